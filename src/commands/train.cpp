// unlearn train (the default command): forget some data, keep the rest; and unlearn finetune.
#include <algorithm>
#include <filesystem>
#include <iostream>

#include "commands/commands.h"
#include "commands/shared_flags.h"
#include "unlearn/core/error.h"
#include "unlearn/core/plural.h"
#include "unlearn/core/strings.h"
#include "unlearn/distributed/processes.h"
#include "unlearn/run/run.h"

namespace unlearn::commands {
namespace {

using run::Purpose;

run::RunConfig resolve(SharedFlags shared, const TrainingFlags& training, Purpose purpose) {
  if (training.resume && training.overwrite) {
    user_error("--resume and --overwrite exclude each other");
  }
  const std::string recorded = shared.output + "/config.resolved.yaml";
  const bool continues = training.resume && shared.config.empty() && !shared.output.empty();
  if (continues && std::filesystem::exists(recorded)) shared.config = recorded;
  const config::Settings settings = user_settings(shared, training);
  // A run that was killed as it began has none; the same flags again start it.
  if (continues && shared.config.empty() && !settings.contains("model.path")) {
    user_error("--resume: there is no ", recorded, "; give the run's --config or flags again");
  }
  return run::resolve_run(settings, purpose);
}

train::ExistingOutput existing_output(const TrainingFlags& flags) {
  if (flags.resume) return train::ExistingOutput::kResume;
  return flags.overwrite ? train::ExistingOutput::kOverwrite : train::ExistingOutput::kRefuse;
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

int run_training(cli::Flags& app, Purpose purpose, const std::vector<std::string>& arguments) {
  const char* name = purpose == Purpose::kUnlearn ? "train" : "finetune";
  SharedFlags shared;
  TrainingFlags training;
  add_training_flags(app, training, purpose == Purpose::kUnlearn);
  add_shared_flags(app, shared);
  if (!parse(app, arguments, shared)) return 0;
  const run::RunRequest request{.resolve = [&] { return resolve(shared, training, purpose); },
                                .existing = existing_output(training),
                                .command_line = cat("unlearn ", name, " ", join(arguments, " "))};
  if (training.print_config) {
    std::cout << config::to_yaml(request.resolve().resolved());
    return 0;
  }
  const distributed::Launch launch = distributed::launch_from_environment();
  if (training.nproc > 1 && launch.size > 1) {
    user_error("--nproc ", training.nproc, ": another launcher has started ",
               counted(launch.size, "process", "processes"), " already; leave one of the two out");
  }
  if (shared.dry_run) {
    std::cout << run::dry_run(request, {std::max(launch.size, training.nproc), training.nproc});
    return 0;
  }
  if (training.nproc > 1) {
    std::vector<std::string> own = without_nproc(arguments);
    own.insert(own.begin(), name);
    return distributed::run_processes(training.nproc, own);
  }
  return run::execute(request, launch);
}

}  // namespace

int run_train(std::vector<std::string> arguments) {
  cli::Flags app("forget some data, keep the rest", "train",
                 "unlearn --method simnpo --config tofu.yaml --model DIR --data DIR --output "
                 "runs/forget05");
  return run_training(app, Purpose::kUnlearn, arguments);
}

int run_finetune(std::vector<std::string> arguments) {
  cli::Flags app("plain next-token training on one data set (data.train)", "finetune",
                 "unlearn finetune --config finetune-tofu.yaml --model DIR --data DIR --output "
                 "runs/full");
  return run_training(app, Purpose::kFinetune, arguments);
}

}  // namespace unlearn::commands
