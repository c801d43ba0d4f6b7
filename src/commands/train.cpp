// unlearn train (the default command): forget some data, keep the rest.
#include "commands/check_run.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/core/strings.h"

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

int run(const char* name, const char* help, Purpose purpose, std::vector<std::string> arguments) {
  SharedFlags shared;
  TrainingFlags training;
  Flags app(help, name);
  add_shared_flags(app, shared);
  add_training_flags(app, training, purpose == Purpose::kUnlearn);
  const std::string command_line = join(arguments, " ");
  if (!parse(app, std::move(arguments), shared)) return 0;

  RunConfig config = resolve_run(shared, training, purpose);
  if (shared.dry_run) {
    // It keeps the modes of the run that it goes on with.
    if (training.resume) train::RunFolder::check(config.output, existing_output(training));
    const CheckedRun checked = check_run(config, training, purpose, planned_device(config));
    std::cout << describe_plan(config, checked.prepared, checked.memory);
    warn_of_output(config, training);
    return 0;
  }
  return execute_run(config, training, purpose, cat("unlearn ", name, " ", command_line));
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
