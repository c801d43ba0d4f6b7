// unlearn score: per-token log-probabilities of given texts.
#include <algorithm>
#include <cmath>

#include "commands/commands.h"
#include "commands/inference.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/core/plural.h"
#include "unlearn/data/examples.h"
#include "unlearn/scoring/score_examples.h"

namespace unlearn::commands {
namespace {

// JSON has no NaN and no infinity.
std::string json_number(double value) { return std::isfinite(value) ? number(value) : "null"; }

std::string number_list(const std::vector<double>& values) {
  std::vector<std::string> texts;
  for (const double value : values) texts.push_back(json_number(value));
  return cat("[", join(texts, ","), "]");
}

std::string result_line(int64_t index, const data::Example& example,
                        const scoring::ExampleScore& score) {
  return cat("{\"index\":", index, ",\"num_labels\":", example.num_labels,
             ",\"sum_logprob\":", json_number(score.sum()),
             ",\"mean_logprob\":", example.num_labels > 0 ? json_number(score.mean()) : "null",
             ",\"token_logprobs\":", number_list(score.logp),
             ",\"input_ids\":", Json(example.tokens).dump(),
             ",\"labels\":", Json(example.labels).dump(), "}");
}

}  // namespace

int run_score(std::vector<std::string> arguments) {
  SharedFlags shared;
  InferenceFlags flags;
  std::string input;
  cli::Flags app(
      "per-token log-probabilities of given texts", "score",
      "unlearn score --model runs/simnpo/model --input rows.jsonl --output scores.jsonl");
  app.add_option("--input", input, "JSONL rows: prompt+answer, text, or input_ids+labels")
      .required();
  add_inference_flags(app, shared, flags);
  add_log_flags(app, shared);
  if (!parse(app, std::move(arguments), shared)) return 0;

  const run::LoadedModel loaded = open_model(shared, flags, {{"--input", input}});
  std::vector<data::Example> examples;
  for_each_json_row(input, [&](int64_t, const Json& row) {
    examples.push_back(run::scored_example(row, loaded));
  });
  if (examples.empty()) user_error(input, ": holds no row");
  std::vector<const data::Example*> pointers;
  for (const data::Example& example : examples) pointers.push_back(&example);
  scoring::ScoreExamplesOptions options;
  options.batch_tokens = flags.batch_tokens;
  const auto scores = scoring::score_examples(*loaded.model, pointers, options);
  std::vector<std::string> lines;
  for (size_t i = 0; i < scores.size(); ++i) {
    lines.push_back(result_line(static_cast<int64_t>(i), examples[i], scores[i]));
  }
  const auto diverged = std::count_if(
      scores.begin(), scores.end(), [](const auto& score) { return !std::isfinite(score.sum()); });
  if (diverged > 0) {
    log::warn(diverged, " of ", counted(scores.size(), "row"),
              " with log-probabilities that are not finite (null in the output)");
  }
  run::write_lines(flags.output, lines);
  return 0;
}

}  // namespace unlearn::commands
