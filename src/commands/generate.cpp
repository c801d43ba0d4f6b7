// unlearn generate: continues prompts, greedily or sampled.
#include "unlearn/scoring/generate.h"

#include <iostream>

#include "commands/commands.h"
#include "commands/inference.h"
#include "unlearn/core/error.h"
#include "unlearn/data/examples.h"
#include "unlearn/eval/eval_config.h"

namespace unlearn::commands {
namespace {

constexpr const char* kWithoutRules = "--generation-config ignore";

std::vector<std::vector<int32_t>> read_prompts(const std::string& input, const std::string& prompt,
                                               const run::LoadedModel& loaded) {
  std::vector<std::vector<int32_t>> prompts;
  if (!prompt.empty()) prompts.push_back(run::prompt_ids(Json{{"prompt", prompt}}, loaded));
  if (!input.empty()) {
    for_each_json_row(
        input, [&](int64_t, const Json& row) { prompts.push_back(run::prompt_ids(row, loaded)); });
    if (prompts.empty()) user_error(input, ": holds no row");
  }
  return prompts;
}

}  // namespace

int run_generate(std::vector<std::string> arguments) {
  SharedFlags shared;
  InferenceFlags flags;
  scoring::GenerateOptions options;
  std::string input;
  std::string prompt;
  cli::Flags app("continue prompts, greedily or sampled", "generate",
                 "unlearn generate --model runs/simnpo/model --prompt 'Where was she born?'");
  app.add_option("--prompt", prompt,
                 "one prompt (the template is applied; --template none: as it is)");
  app.add_option("--input", input, "JSONL rows with prompt or input_ids");
  app.add_option("--max-new-tokens", options.max_new_tokens, "tokens to generate at most")
      .between(int64_t{1}, int64_t{1} << 20);
  app.add_option("--temperature", options.temperature, "0: greedy").between(0.0, 100.0);
  app.add_option("--top-p", options.top_p, "sample from the likeliest tokens with this probability")
      .between(0.0, 1.0);
  app.add_option("--seed", options.seed, "seed of sampling");
  std::string reinforced;
  app.add_option("--whp-reinforced", reinforced,
                 "Who's Harry Potter: the model fine-tuned further on the forget data");
  app.add_option("--whp-alpha", options.whp_alpha, "how strongly what it raises is lowered");
  std::string generation_config = "apply";
  app.add_option("--generation-config", generation_config,
                 "penalties, forced and suppressed tokens of the model's generation_config.json: "
                 "apply or ignore")
      .one_of(config::names_in(eval::kGenerationConfigs));
  add_inference_flags(app, shared, flags);
  add_log_flags(app, shared);
  if (!parse(app, std::move(arguments), shared)) return 0;
  if (options.top_p <= 0) {
    user_error(
        "--top-p: must be above 0, or no token is left; --temperature 0 takes the likeliest");
  }
  if (prompt.empty() == input.empty()) user_error("generate: give either --prompt or --input");

  const run::LoadedModel loaded =
      open_model(shared, flags, {{"--input", input}, {"--whp-reinforced", reinforced}});
  const auto prompts = read_prompts(input, prompt, loaded);
  options.stop_ids = loaded.stops;
  if (config::value_in(eval::kGenerationConfigs, generation_config) ==
      eval::GenerationConfig::kApply) {
    options.rules = scoring::read_decoding_rules(loaded.folder, loaded.model->dims().vocab_size);
    options.rules.check(kWithoutRules);
    options.rules.report(kWithoutRules, options.temperature > 0);
  }
  options.batch_tokens = flags.batch_tokens;
  std::shared_ptr<model::CausalLM> reinforced_model;
  if (!reinforced.empty()) {
    reinforced_model =
        run::open_second_model(reinforced, loaded, shared.strict, "--whp-reinforced");
    options.reinforced = reinforced_model.get();
  }
  const auto outputs = scoring::generate(*loaded.model, prompts, options);
  std::vector<std::string> lines;
  for (size_t i = 0; i < outputs.size(); ++i) {
    Json text;
    if (loaded.tokenizer) text = loaded.tokenizer->decode(outputs[i], /*skip_special=*/true);
    const Json line = {{"index", i}, {"ids", outputs[i]}, {"text", std::move(text)}};
    lines.push_back(line.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  run::write_lines(flags.output, lines);
  return 0;
}

}  // namespace unlearn::commands
