#include "commands/join_run.h"

#include "commands/reference.h"
#include "commands/weights.h"
#include "unlearn/core/error.h"
#include "unlearn/runtime/host_arena.h"
#include "unlearn/scoring/reference_cache.h"
#include "unlearn/train/trainer.h"

namespace unlearn::commands {
namespace {

// A shell's exit code for signal N is this + N.
constexpr int kSignalledCode = 128;

void join_training(const RunConfig& config, const PreparedRun& run, const distributed::Group& group,
                   model::CausalLM& model) {
  train::TrainerInputs inputs = trainer_inputs(config, run);
  inputs.model = &model;
  inputs.group = &group;
  std::optional<scoring::ReferenceCache> reference;
  const scoring::ReferenceNeeds needs = train::reference_needs(inputs);
  if (needs.any()) group.wait();  // until it is there
  train::RunFolder folder = train::RunFolder::for_reading(config.output);
  if (needs.any()) {
    reference = open_reference(config, run, folder, model, needs);
    inputs.reference = &*reference;
  }
  train::Trainer trainer(std::move(inputs), folder);
  const auto step = static_cast<int64_t>(group.sum(0.0));
  if (step != kNoCheckpoint) trainer.resume_from(step);
  trainer.run();
}

}  // namespace

int join_run(const RunConfig& config, const PreparedRun& run, const distributed::Group& group) {
  group.together([] {});  // while it opens the run folder
  if (group.first("").text == kNothingToTrain) return 0;
  const auto model = load_weights(config, run);
  runtime::trim_host_memory();
  try {
    join_training(config, run, group, *model);
  } catch (const Interrupted& stopped) {
    return kSignalledCode + stopped.signal();  // the first process tells
  }
  return 0;
}

}  // namespace unlearn::commands
