// The flags that commands share, and the settings they are.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/flags.h"
#include "unlearn/config/settings.h"

namespace unlearn::commands {

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
void add_log_flags(cli::Flags& app, SharedFlags& flags);
// --tokenizer: whose rules read the tokenizer's files (model.tokenizer).
void add_tokenizer_flag(cli::Flags& app, std::string& rules);
void add_strict_flag(cli::Flags& app, SharedFlags& flags);
void add_config_flags(cli::Flags& app, SharedFlags& flags);
void add_shared_flags(cli::Flags& app, SharedFlags& flags);
void add_training_flags(cli::Flags& app, TrainingFlags& flags, bool with_method);

// Flags::parse, then the log flags are applied. False when help was printed.
bool parse(cli::Flags& app, std::vector<std::string> arguments, const SharedFlags& flags);

// What the user sets: the config file, then --set, then dedicated flags.
config::Settings user_settings(const SharedFlags& shared, const TrainingFlags& training);
// --config and --set alone.
config::Settings file_settings(const std::string& config, const std::vector<std::string>& set);

}  // namespace unlearn::commands
