// The other processes of a run that several share.
#pragma once

#include "commands/session.h"
#include "unlearn/distributed/group.h"

namespace unlearn::commands {

// What the first process tells the others when it has looked at the run folder.
constexpr const char* kTrain = "train";
constexpr const char* kNothingToTrain = "nothing to train";
// The checkpoint's step that it goes on from, or this.
constexpr int64_t kNoCheckpoint = -1;

// Trains with the first process, while that one opens the run folder, reports, saves and evaluates.
// Returns the exit code.
int join_run(const RunConfig& config, const PreparedRun& run, const distributed::Group& group);

}  // namespace unlearn::commands
