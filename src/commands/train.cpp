// unlearn train (the default command): forget some data, keep the rest.
#include <iostream>

#include "commands/check_run.h"
#include "commands/device.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/core/plural.h"
#include "unlearn/core/strings.h"
#include "unlearn/distributed/processes.h"

namespace unlearn::commands {
namespace {

// A plan writes nothing, but the run would be refused.
void warn_of_output(const RunConfig& config, const TrainingFlags& training) {
  try {
    train::RunFolder::check(config.output, existing_output(training));
  } catch (const UserError& error) {
    log::warn(error.what());
  }
}

// A plan for a GPU whose memory is given needs no GPU.
torch::Device planned_device(const RunConfig& config) {
  if (config.device == "cuda" && config.train.memory_gib) return torch::kCUDA;
  return resolve_device(config.device);
}

// The arguments of the processes that --nproc starts.
std::vector<std::string> without_nproc(const std::vector<std::string>& arguments) {
  std::vector<std::string> rest;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--nproc") {
      ++i;
    } else if (!arguments[i].starts_with("--nproc=")) {
      rest.push_back(arguments[i]);
    }
  }
  return rest;
}

int run(const char* name, const char* help, Purpose purpose, std::vector<std::string> arguments) {
  SharedFlags shared;
  TrainingFlags training;
  Flags app(help, name);
  add_training_flags(app, training, purpose == Purpose::kUnlearn);
  add_shared_flags(app, shared);
  if (!parse(app, arguments, shared)) return 0;
  if (training.print_config) {
    std::cout << config::to_yaml(resolve_run(shared, training, purpose).resolved());
    return 0;
  }
  const distributed::Launch launch = distributed::launch_from_environment();
  if (training.nproc > 1) {
    if (launch.size > 1) {
      user_error("--nproc ", training.nproc, ": another launcher has started ",
                 counted(launch.size, "process", "processes"),
                 " already; leave one of the two out");
    }
    if (!shared.dry_run) {
      std::vector<std::string> own = without_nproc(arguments);
      own.insert(own.begin(), name);
      return distributed::run_processes(training.nproc, own);
    }
  }
  if (shared.dry_run) {
    RunConfig config = resolve_run(shared, training, purpose);
    // It keeps the modes of the run that it goes on with.
    if (training.resume) train::RunFolder::check(config.output, existing_output(training));
    const int64_t processes = std::max(launch.size, training.nproc);
    CheckedRun checked =
        check_run(config, training, purpose, planned_device(config), {processes, training.nproc});
    const PreparedRun& run = checked.prepared;
    checked.memory = settle_memory(config, run, memory_limit(config, run));
    std::cout << describe_plan(config, run, checked.memory);
    warn_of_output(config, training);
    return 0;
  }
  return execute_run(shared, training, purpose, launch,
                     cat("unlearn ", name, " ", join(arguments, " ")));
}

}  // namespace

int run_train(std::vector<std::string> arguments) {
  return run("train", "forget some data, keep the rest", Purpose::kUnlearn, std::move(arguments));
}

int run_finetune(std::vector<std::string> arguments) {
  return run("finetune", "plain next-token training on one data set (data.train)",
             Purpose::kFinetune, std::move(arguments));
}

}  // namespace unlearn::commands
