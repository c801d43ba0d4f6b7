#include "unlearn/eval/eval_config.h"

#include "unlearn/config/interval.h"
#include "unlearn/core/error.h"

namespace unlearn::eval {

void EvalConfig::visit(config::FieldVisitor& v) {
  v.field(
      "at_start", at_start,
      {.help = "evaluate the model before the first step, too (eval/before; report shows both)"});
  v.field("at_end", at_end, {.help = "evaluate the saved model when training is done"});
  v.field("every", every, {.help = "evaluate during training: never, epoch or a number of steps"});
  v.field("retain_log", retain_log,
          {.help = "evaluation log (or run folder) of the model retrained without the forget set"});
  v.field("splits", splits, {.help = "all, or some of the benchmark's splits"});
  v.field("metrics", metrics, {.help = "default, all, or names of `unlearn list metrics`"});
  v.field("rows", rows, {.help = "rows of every split at most; 0: all", .min = 0});
  v.field("question_key", question_key,
          {.help = "the question's field in forget and retain rows",
           .choices = {"question", "paraphrased_question"}});
  v.field("max_length", max_length,
          {.help = "tokens of a scored text; auto: 200 with plain templates, 512 with chat ones",
           .min = 2,
           .unset_word = "auto"});
  v.field("max_new_tokens", max_new_tokens, {.help = "new tokens of a generation", .min = 1});
  v.field("max_total_tokens", max_total_tokens,
          {.help = "tokens of prompt and generation; auto: 200 with plain templates; 0: no limit",
           .min = 0,
           .unset_word = "auto"});
  v.field("temperature", temperature, {.help = "of generations; 0: greedy", .min = 0});
  v.field("top_p", top_p,
          {.help = "nucleus of sampled generations", .min = 0, .max = 1, .exclusive_min = true});
  v.field("seed", seed, {.help = "seed of sampled generations", .min = 0});
  v.field(
      "generation_config", generation_config, kGenerationConfigs,
      {.help = "penalties, forced and suppressed tokens of the model's generation_config.json"});
  v.field("suite", suite, kMuseSuites,
          {.help = "MUSE by its own definitions (muse) or OpenUnlearning's (ou)"});
  v.field("truth_ratio", truth_ratio, kFalseAnswers,
          {.help = "how false answers are averaged in the truth ratio"});
  v.field("formula", formula, kTofuFormulas,
          {.help = "open_unlearning guards its divisions with 1e-10, legacy (TOFU) does not"});
  v.field(
      "ds_size", ds_size,
      {.help = "rows of a task in eval_log_aggregated.json at most (TOFU: 300); 0: all", .min = 0});
  v.field(
      "log_rows", log_rows, kLogRows,
      {.help = "rows of eval_log_aggregated.json: objects keyed by row (read by locuslab/tofu) or "
               "lists (read by Unlearn-Simple)"});
  v.field("es_strict", es_strict,
          {.help = "extraction strength 0 (not 1/n) where no suffix is reproduced"});
  v.field("pad_is_masked", pad_is_masked,
          {.help = "OpenUnlearning: tokens that are the pad token (EOS where there is none) are "
                   "hidden from attention, in texts and in prompts to generate from"});
  v.field("min_k", min_k,
          {.help = "share of tokens in Min-K attacks", .min = 0, .max = 1, .exclusive_min = true});
  v.field("own_data.alternatives", own_alternatives,
          {.help = "own data: answers at most that each forget row's own is compared with",
           .min = 1,
           .max = 1000});
  v.field(
      "own_data.samples", own_samples,
      {.help = "own data: sampled outputs for each forget row (leak@k)", .min = 0, .max = 1000});
  v.field("own_data.temperature", own_temperature,
          {.help = "own data: of these samples", .min = 0, .exclusive_min = true});
  v.field("own_data.retain_rows", own_retain_rows,
          {.help = "own data: retain rows measured at most, of those trained on and of those held "
                   "out; a seeded choice",
           .min = 1});
  v.field("own_data.paraphrases", own_paraphrases,
          {.help = "own data: ask for forget rows in other words, too"});
  v.field("holdout", holdout,
          {.help = "file with texts no model was trained on (TOFU: holdoutNN.json of the data)"});
  v.field("reference_model", reference_model,
          {.help = "model folder that mia_reference compares with"});
  v.field("original_model", original_model,
          {.help = "folder of the model before unlearning, for kl_divergence"});
  v.field("batch_tokens", batch_tokens,
          {.help = "tokens scored at a time", .min = 1, .unset_word = "auto"});
  v.field("generation_tokens", generation_tokens,
          {.help = "tokens that a batch of generations may hold", .min = 1, .unset_word = "auto"});
  v.field("cache", cache,
          {.help = "keep results in eval/cache, so that a stopped evaluation goes on"});
}

void EvalConfig::check() const {
  if (!config::parse_interval(every, 1)) {
    user_error("eval.every: must be never, epoch or a number of steps, not '", every, "'");
  }
  if (splits.empty()) user_error("eval.splits: names no split; use all");
  if (metrics.empty()) user_error("eval.metrics: names no metric; use default");
}

int64_t EvalConfig::interval(int64_t steps_per_epoch) const {
  return config::parse_interval(every, steps_per_epoch).value_or(0);
}

}  // namespace unlearn::eval
