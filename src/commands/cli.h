// What all commands share: the flags of the outside, strict parsing, the table of commands.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "commands/flags.h"
#include "unlearn/config/settings.h"

namespace unlearn::commands {

struct Command {
  const char* name;
  const char* help;
  int (*run)(std::vector<std::string> arguments);
  const char* example = "";
};

const std::vector<Command>& commands();
// A command line that can be typed; empty when the command has none.
std::string example_of(const std::string& command);

// Flags that most commands take; empty or unset means "not given".
struct SharedFlags {
  std::string config;
  std::string model;
  std::string data;
  std::string output;
  std::string device;
  std::optional<int64_t> seed;
  std::vector<std::string> set;
  bool dry_run = false;
  bool strict = false;
  bool quiet = false;
  std::string log_level = "info";
};

// Flags of the commands that train.
struct TrainingFlags {
  std::string method;
  std::optional<double> beta, gamma, lr, epochs;
  std::string forget, retain;
  std::optional<int64_t> batch_size;
  std::string reference;
  std::optional<double> reference_perturb;
  bool resume = false;
  bool overwrite = false;
  bool print_config = false;
  int64_t nproc = 1;
};

// --log-level and --quiet alone; --strict; what every command with a config takes; and the whole
// set.
void add_log_flags(Flags& app, SharedFlags& flags);
// --tokenizer: whose rules read the tokenizer's files (model.tokenizer).
void add_tokenizer_flag(Flags& app, std::string& rules);
void add_strict_flag(Flags& app, SharedFlags& flags);
void add_config_flags(Flags& app, SharedFlags& flags);
void add_shared_flags(Flags& app, SharedFlags& flags);
void add_training_flags(Flags& app, TrainingFlags& flags, bool with_method);

// Flags::parse, then the log flags are applied. False when help was printed.
bool parse(Flags& app, std::vector<std::string> arguments, const SharedFlags& flags);

// What the user sets: the config file, then --set, then dedicated flags.
config::Settings user_settings(const SharedFlags& shared, const TrainingFlags& training);
// --config and --set alone.
config::Settings file_settings(const std::string& config, const std::vector<std::string>& set);

int run_train(std::vector<std::string> arguments);
int run_forget(std::vector<std::string> arguments);
int run_verify(std::vector<std::string> arguments);
int run_finetune(std::vector<std::string> arguments);
int run_eval(std::vector<std::string> arguments);
int run_audit(std::vector<std::string> arguments);
int run_metrics(std::vector<std::string> arguments);
int run_score(std::vector<std::string> arguments);
int run_generate(std::vector<std::string> arguments);
int run_task_vector(std::vector<std::string> arguments);
int run_tokenize(std::vector<std::string> arguments);
int run_report(std::vector<std::string> arguments);
int run_list(std::vector<std::string> arguments);
int run_inspect(std::vector<std::string> arguments);
int run_markov(std::vector<std::string> arguments);
int run_quantise(std::vector<std::string> arguments);
int run_completion(std::vector<std::string> arguments);
int run_man(std::vector<std::string> arguments);

}  // namespace unlearn::commands
