// Everything that can be wrong with a run is found here, before anything is written.
#pragma once

#include "commands/evaluate.h"
#include "commands/session.h"

namespace unlearn::commands {

struct CheckedRun {
  PreparedRun prepared;
  std::optional<Evaluator> evaluator;  // when the run evaluates
  train::MemoryPlan memory;            // empty until settle_memory
};

// All but the memory. `config` must outlive the result. UserError for the first thing that is
// wrong.
CheckedRun check_run(RunConfig& config, const TrainingFlags& flags, Purpose purpose,
                     torch::Device device, const Sharing& sharing);

// What the flags say about an output folder that exists.
train::ExistingOutput existing_output(const TrainingFlags& flags);

}  // namespace unlearn::commands
