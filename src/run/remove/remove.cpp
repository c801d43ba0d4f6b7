#include "unlearn/run/remove.h"

#include <ATen/Parallel.h>

#include <iostream>

#include "run/remove/removal.h"
#include "run/remove/removal_plan.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/distributed/launch.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

fs::path output_of(const RemoveRequest& request) {
  if (!request.output.empty()) return request.output;
  const fs::path run = (request.run.lexically_normal() / "").parent_path();
  return run.parent_path() / (run.filename().string() + "-removed");
}

// The old run is never touched.
void check_apart(const fs::path& run, const fs::path& output) {
  if (!lies_in(output, run) && !lies_in(run, output)) return;
  user_error("--output: ", output.string(), " and the run ", run.string(),
             " lie in each other; the old run is left as it is, give another folder");
}

int resume_removal(const RemoveRequest& request, const fs::path& output) {
  train::RunFolder::check(output, train::ExistingOutput::kResume);
  const auto removal = removal_of(train::RunFolder::for_reading(output));
  if (!removal) {
    user_error("--resume: ", output.string(),
               " is no run of unlearn remove that could go on; start it again with --overwrite");
  }
  if (!fs::equivalent(removal->run, request.run)) {
    user_error("--resume: ", output.string(), " was begun with --run ", removal->run);
  }
  return continue_replay(removal->run, output, request.command_line);
}

}  // namespace

int remove(const RemoveRequest& request) {
  if (distributed::launch_from_environment().size > 1) {
    user_error("unlearn remove is started once; it starts as many processes as the run had");
  }
  // Processes are started from here, which must have no threads by then.
  at::set_num_threads(1);
  RemoveRequest own = request;
  own.output = output_of(request);
  if (!fs::exists(own.run)) user_error("--run: ", own.run.string(), " is not there");
  check_apart(own.run, own.output);
  if (own.existing == train::ExistingOutput::kResume && !own.dry_run) {
    return resume_removal(own, own.output);
  }
  if (!own.dry_run) train::RunFolder::check(own.output, own.existing);
  const RemovalPlan plan = plan_removal(own);
  std::cout << plan.text() << std::flush;
  if (own.dry_run) return 0;
  seed_replay(own.run, plan.config, plan.removal, plan.inputs, own.existing);
  return continue_replay(own.run, own.output, own.command_line);
}

}  // namespace unlearn::run
