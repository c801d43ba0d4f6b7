// Questions of the forget rows in an attack's way, and what the model answers.
#include <algorithm>
#include <cmath>

#include "run/audit/measure.h"
#include "unlearn/attacks/compose.h"
#include "unlearn/core/error.h"
#include "unlearn/core/python_text.h"
#include "unlearn/metrics/own_data/extraction.h"
#include "unlearn/metrics/rouge.h"

namespace unlearn::run {
namespace {

double recall_of(const std::string& reference, const std::string& output) {
  return metrics::rouge(reference, output, /*use_stemmer=*/true).rouge_l.recall;
}

}  // namespace

// A row as it is asked, and plainly.
struct PromptProbe::Asked {
  int64_t row = 0;
  attacks::ComposedPrompt prompt, plain;
  bool is_prefilled = false;
};

PromptProbe::PromptProbe(AuditedModel& model, const eval::Questions& questions, OwnFolder& folder)
    : model_(model), questions_(questions), cache_(model.cache_of_loaded(folder)) {}

std::vector<PromptProbe::Asked> PromptProbe::compose_rows(const attacks::AttackedModel* way) const {
  const eval::EvaluationInputs inputs = model_.evaluator().inputs();
  std::vector<Asked> rows;
  for (size_t i = 0; i < questions_.forget.size(); ++i) {
    const attacks::RowPrompt plainly{questions_.forget[i].question};
    const auto asked = way != nullptr ? way->change_prompt(questions_, i) : std::optional(plainly);
    if (!asked) continue;
    auto prompt = attacks::compose(inputs.tokenizer, questions_, i, *asked);
    auto plain = attacks::compose(inputs.tokenizer, questions_, i, plainly);
    const auto fits = [&](const attacks::ComposedPrompt& one) {
      return inputs.context == 0 ||
             static_cast<int64_t>(one.scored.tokens.size()) <= inputs.context;
    };
    if (!prompt || !plain || !fits(*prompt) || !fits(*plain)) continue;
    rows.push_back(
        {questions_.forget[i].row, std::move(*prompt), std::move(*plain), asked->given_tokens > 0});
  }
  return rows;
}

eval::Results PromptProbe::execute(const eval::Plan& plan, const attacks::Decoding* decoding,
                                   uint64_t seed) {
  eval::ExecuteOptions options = model_.evaluator().execute_options();
  options.cache = cache_;
  options.temperature = decoding != nullptr ? decoding->temperature : 0;
  options.top_p = decoding != nullptr ? decoding->top_p : 1;
  options.seed = seed;
  return eval::execute(
      plan, [&]() -> model::CausalLM& { return model_.model(); }, options);
}

std::vector<std::string> PromptProbe::outputs(const std::vector<std::vector<int32_t>>& prompts,
                                              const attacks::Decoding* decoding, uint64_t seed) {
  const eval::EvaluationInputs inputs = model_.evaluator().inputs();
  eval::GenerationLimits limits = questions_.limits;
  limits.max_total_tokens = inputs.context;  // text around a question takes nothing from the answer
  eval::Plan plan;
  std::vector<eval::GenerationId> ids;
  for (const auto& prompt : prompts) ids.push_back(plan.generate(prompt, limits));
  const eval::Results results = execute(plan, decoding, seed);
  std::vector<std::string> texts;
  for (const eval::GenerationId id : ids) {
    const std::string text =
        tokenizer::clean_up_spaces(inputs.tokenizer.decode(results[id], /*skip_special=*/true));
    texts.emplace_back(python_strip(text));
  }
  return texts;
}

std::vector<double> PromptProbe::probabilities(const std::vector<data::Example>& scored) {
  eval::Plan plan;
  std::vector<eval::ScoreId> ids;
  for (const data::Example& example : scored) ids.push_back(plan.score(example));
  const eval::Results results = execute(plan, nullptr, 0);
  std::vector<double> values;
  for (const eval::ScoreId id : ids) values.push_back(std::exp(results[id].mean()));
  return values;
}

Cell PromptProbe::ask(const attacks::AttackedModel& way) {
  const std::vector<Asked> rows = compose_rows(&way);
  std::vector<std::vector<int32_t>> prompts, plain;
  std::vector<data::Example> scored, plainly_scored;
  for (const Asked& row : rows) {
    prompts.push_back(row.prompt.prompt);
    plain.push_back(row.plain.prompt);
    scored.push_back(row.prompt.scored);
    plainly_scored.push_back(row.plain.scored);
  }
  const auto before = outputs(plain, nullptr, 0), after = outputs(prompts, nullptr, 0);
  Cell cell;
  cell.before.emplace();
  Measured& result = cell.points.emplace_back().measured;
  for (size_t i = 0; i < rows.size(); ++i) {
    cell.before->metrics["rouge"][rows[i].row] = recall_of(rows[i].prompt.rest, before[i]);
    result.metrics["rouge"][rows[i].row] = recall_of(rows[i].prompt.rest, after[i]);
  }
  // Scoring gives the true tokens before each label anyway: a prefilled answer scores alike.
  const bool prefilled = !rows.empty() && rows.front().is_prefilled;
  if (prefilled) return cell;
  const auto likely_before = probabilities(plainly_scored), likely_after = probabilities(scored);
  for (size_t i = 0; i < rows.size(); ++i) {
    cell.before->metrics["probability"][rows[i].row] = likely_before[i];
    result.metrics["probability"][rows[i].row] = likely_after[i];
  }
  return cell;
}

Cell PromptProbe::sample(const attacks::Decoding& decoding, int64_t seed) {
  const std::vector<Asked> rows = compose_rows(nullptr);
  std::vector<std::vector<int32_t>> prompts;
  for (const Asked& row : rows) prompts.push_back(row.plain.prompt);
  std::vector<std::vector<double>> recalls(rows.size());
  const auto greedy = outputs(prompts, nullptr, 0);
  for (int64_t draw = 0; draw < decoding.samples; ++draw) {
    const auto sampled = outputs(prompts, &decoding, static_cast<uint64_t>(seed + draw));
    for (size_t i = 0; i < rows.size(); ++i) {
      recalls[i].push_back(recall_of(rows[i].plain.rest, sampled[i]));
    }
  }
  Cell cell;
  cell.before.emplace();
  for (size_t i = 0; i < rows.size(); ++i) {
    const double recall = recall_of(rows[i].plain.rest, greedy[i]);
    cell.before->metrics["rouge"][rows[i].row] = recall;
    cell.before->metrics["leak"][rows[i].row] = recall >= decoding.threshold ? 1 : 0;
  }
  for (const int64_t k : decoding.ks) {
    Measured& result = cell.points.emplace_back(CellPoint{k, {}}).measured;
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto leaking = std::ranges::count_if(
          recalls[i], [&](double recall) { return recall >= decoding.threshold; });
      result.metrics["rouge"][rows[i].row] = metrics::own_data::expected_maximum(recalls[i], k);
      result.metrics["leak"][rows[i].row] =
          metrics::own_data::leak_at_k(decoding.samples, leaking, k);
    }
  }
  return cell;
}

}  // namespace unlearn::run
