// What the trainer gets from a checked run.
#include "unlearn/train/trainer_inputs.h"

#include "unlearn/run/prepare.h"

namespace unlearn::run {
namespace {

data::Pairing pairing_of(const RunConfig& config) {
  if (config.data.pairing) return *config.data.pairing;
  if (!config.train.shuffle) return data::Pairing::kCyclic;
  const auto by_default = config.data.chosen().default_pairing;
  return by_default != nullptr ? by_default(config.data) : data::Pairing::kRandom;
}

train::TrainingData training_data(const PreparedRun& run) {
  const auto rows = [](const std::optional<data::Split>& split) {
    return split ? &split->examples : nullptr;
  };
  return {&run.leading().examples, rows(run.splits.retain), rows(run.splits.alternate),
          run.exclusion ? &run.exclusion->examples : nullptr};
}

}  // namespace

train::TrainerInputs trainer_inputs(const RunConfig& config, const PreparedRun& run) {
  return {.loss = config.loss.get(),
          .data = training_data(run),
          .pairing = pairing_of(config),
          .alternate_per_forget = run.splits.alternate.has_value(),
          .config = config.train,
          .fingerprint = config.fingerprint()};
}

}  // namespace unlearn::run
