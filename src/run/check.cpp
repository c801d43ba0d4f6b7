#include "unlearn/run/check.h"

#include <algorithm>

#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/core/plural.h"
#include "unlearn/run/device.h"
#include "unlearn/train/update_rule.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

// --overwrite must not remove what the run reads.
void check_inputs_stay(const RunConfig& config, const PreparedRun& run) {
  std::vector<std::pair<std::string, fs::path>> inputs = {
      {"model.path", config.model.path},
      {"model.reference", config.model.reference},
      {"model.adapter", config.model.adapter},
      {"eval.retain_log", config.eval.retain_log},
      {"eval.reference_model", config.eval.reference_model},
      {"eval.original_model", config.eval.original_model}};
  const std::pair<const char*, const std::optional<data::Split>*> splits[] = {
      {"data.forget", &run.splits.forget},
      {"data.retain", &run.splits.retain},
      {"data.alternate", &run.splits.alternate},
      {"data.train", &run.splits.train}};
  for (const auto& [key, split] : splits) {
    if (*split) inputs.emplace_back(key, (*split)->file);
  }
  for (const auto& [key, path] : inputs) {
    if (!path.empty() && train::RunFolder::replaces(config.output, path)) {
      user_error("--overwrite: ", key, " (", path.string(), ") is part of the run that is to be ",
                 "replaced, ", config.output, "; give another --output");
    }
  }
}

// The reference's head and hidden states must have the model's sizes.
void check_reference(const RunConfig& config, const model::ModelDims& own) {
  const std::string& path = config.model.reference;
  if (path.empty()) return;
  check_model(path, config.model.strict);
  const model::ModelDims dims = model::model_footprint(model::model_config(path)).dims;
  if (dims.vocab_size != own.vocab_size) {
    user_error("model.reference: ", path, " has a vocabulary of ", dims.vocab_size,
               " tokens, the model ", own.vocab_size);
  }
  if (config.loss->needs().hidden_layer >= 0 && dims.hidden_size != own.hidden_size) {
    user_error("model.reference: ", path, " has hidden states of width ", dims.hidden_size,
               ", the model ", own.hidden_size);
  }
}

// What the started method asks of the model: terms to learn from, parameters to train.
void check_method(const RunConfig& config, model::ModelFootprint footprint) {
  train::check_update(config.train, *config.loss);
  const std::vector<losses::Term> terms = config.loss->terms();
  if (std::all_of(terms.begin(), terms.end(), [](const auto& term) { return term.weight == 0; })) {
    user_error("method: every term of ", config.method,
               " as configured has weight 0, so that nothing ",
               "would be learned; raise method.forget_weight or method.retain_weight");
  }
  const std::string example = footprint.trained.front().first;
  const std::vector<std::string> patterns = config.loss->needs().trainable;
  footprint.train_only(patterns);
  if (footprint.trained.empty()) {
    user_error("method.trainable_params_regex: no parameter's whole name matches ",
               join(patterns, ", "), " (the model has, e.g., ", example, ")");
  }
}

// What one process can do and several cannot.
void check_shareable(const RunConfig& config, int64_t processes) {
  if (config.train.free_gradients) {
    user_error("train.free_gradients: belongs to a single process; of ", processes,
               " each keeps a part of the optimizer's state instead");
  }
  if (config.train.averaging == train::Averaging::kMicroBatchMean &&
      config.loss->needs().is_sequential) {
    user_error("train.averaging: with micro_batch_mean, ", config.method,
               "'s micro-batches depend on those before them, and ", processes,
               " processes cannot share them; use averaging: exact, or one process");
  }
  const losses::Needs needs = config.loss->needs();
  if (config.train.averaging == train::Averaging::kExact &&
      (needs.forget_rows.end != nullptr || needs.retain_rows.end != nullptr)) {
    log::warn(
        "train.compat: what is padded to the longest text of a micro-batch depends on how a "
        "step is cut, and so on the number of processes");
  }
}

void warn_of_warmup(const train::StepPlan& plan) {
  if (plan.warmup < plan.total) return;
  log::warn("the warm-up takes all of the ", counted(plan.total, "step"),
            ": little or nothing is learned; lower train.batch_size or train.warmup_epochs, "
            "or raise train.epochs");
}

}  // namespace

void check(const RunConfig& config, const PreparedRun& run, train::ExistingOutput existing) {
  if (existing == train::ExistingOutput::kOverwrite) check_inputs_stay(config, run);
  train::check_rates(config.train, run.plan);
  if (config.train.fp8 == train::Fp8::kOn && run.dtype != torch::kBFloat16) {
    user_error("train.fp8: needs model.dtype: bfloat16, not ", dtype_text(run.dtype));
  }
  warn_of_warmup(run.plan);
  check_reference(config, run.footprint.dims);
  check_method(config, run.footprint);
  if (run.sharing.processes > 1) check_shareable(config, run.sharing.processes);
  if (run.evaluator) run.evaluator->plan_summary();  // reads its data and logs
}

}  // namespace unlearn::run
