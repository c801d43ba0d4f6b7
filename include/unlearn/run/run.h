// One training run, from its configuration to its folder, on all of its processes: meet, prepare,
// agree, open the folder, train, save, evaluate. The parts are there for commands that need others:
// prepare.h, check.h, plan.h, weights.h, train.h, evaluator.h.
#pragma once

#include <functional>
#include <string>

#include "unlearn/distributed/launch.h"
#include "unlearn/run/prepare.h"
#include "unlearn/train/run_folder.h"

namespace unlearn::run {

struct RunRequest {
  // Makes the configuration. Called when the processes have met, so that a UserError is reported
  // once.
  std::function<RunConfig()> resolve;
  train::ExistingOutput existing = train::ExistingOutput::kRefuse;  // of config.output
  std::string command_line;                                         // for run.json
};

// The whole run; every process of it calls this. Returns the exit code.
int execute(const RunRequest& request, const distributed::Launch& launch);

// Checks everything that execute() checks, loads no weights, writes nothing, and returns the plan
// as text (describe_plan).
std::string dry_run(const RunRequest& request, const Sharing& sharing);

}  // namespace unlearn::run
