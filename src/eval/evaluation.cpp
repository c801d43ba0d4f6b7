#include "unlearn/eval/evaluation.h"

#include <algorithm>

#include "unlearn/core/error.h"
#include "unlearn/core/manifest.h"

namespace unlearn::eval {

namespace {

// OpenUnlearning gives a tokenizer without a pad token its EOS.
std::optional<int32_t> masked_token(const EvaluationInputs& inputs) {
  if (!inputs.config.pad_is_masked) return std::nullopt;
  const tokenizer::SpecialIds& special = inputs.tokenizer.special();
  const std::optional<int32_t> token = special.pad ? special.pad : special.eos;
  if (!token) user_error("eval.pad_is_masked: the tokenizer names neither a pad token nor EOS");
  return token;
}

}  // namespace

Plans checked_plans(BenchmarkEvaluation& evaluation, const EvaluationInputs& inputs) {
  inputs.config.check();
  Plans plans;
  evaluation.plan(plans.own, plans.reference);
  plans.own.check_token_ids(inputs.vocab_size, "");
  plans.reference.check_token_ids(
      inputs.reference_vocab_size > 0 ? inputs.reference_vocab_size : inputs.vocab_size,
      "eval.reference_model");
  return plans;
}

Outcome run_evaluation(BenchmarkEvaluation& evaluation, const EvaluationInputs& inputs,
                       const EvaluationRun& run) {
  const auto [own, reference] = checked_plans(evaluation, inputs);
  ExecuteOptions options{
      .tokenizer = &inputs.tokenizer,
      .temperature = inputs.config.temperature,
      .top_p = inputs.config.top_p,
      .seed = static_cast<uint64_t>(inputs.config.seed),
      .rules = run.rules,
      .masked_token = masked_token(inputs),
      .batch_tokens = inputs.config.batch_tokens.value_or(run.batch_tokens),
      .generation_tokens = inputs.config.generation_tokens.value_or(run.generation_tokens),
      .cache = run.cache,
      .original = run.original,
      .original_key = run.original_key,
      .progress = run.progress};
  const Results own_results = execute(own, run.model, options);
  Results reference_results;
  if (!reference.empty()) {
    UNLEARN_CHECK(run.reference != nullptr);
    UNLEARN_CHECK(reference.of<GenerationRequest>().empty());  // it would have rules of its own
    options.cache = run.reference_cache;
    reference_results = execute(reference, run.reference, options);
  }
  return evaluation.assemble(own_results, reference_results);
}

void write_outcome(const std::filesystem::path& folder, const BenchmarkEvaluation& evaluation,
                   const Outcome& outcome) {
  OwnFolder own(folder);
  for (const auto& [name, content] : outcome.files) {
    own.write(name, content.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  }
  for (const auto& [name, text] : outcome.texts) own.write(name, text);
  const std::vector<std::string> names = eval_file_names(evaluation.file_prefix());
  own.claim(names);
  metrics::write_eval_files(folder, evaluation.file_prefix(), outcome.evaluation.metrics);
  for (const std::string& name : names) own.record(name);
}

std::vector<std::string> eval_file_names(const std::string& prefix) {
  return {prefix + "_EVAL.json", prefix + "_SUMMARY.json"};
}

}  // namespace unlearn::eval
