// The first process of a run, or its only one.
#pragma once

#include <chrono>
#include <string>

#include "commands/check_run.h"
#include "unlearn/distributed/group.h"

namespace unlearn::commands {

using Clock = std::chrono::steady_clock;

// Opens the run folder and keeps run.json honest, trains, saves and evaluates. Returns the exit
// code. `start`: of the process, for the times it notes.
int lead_run(RunConfig& config, CheckedRun& checked, const TrainingFlags& flags,
             const distributed::Group& group, const std::string& command_line,
             Clock::time_point start);

}  // namespace unlearn::commands
