// Flags as settings.
#include "commands/shared_flags.h"
#include "unlearn/core/strings.h"
#include "unlearn/run/catalogue.h"

namespace unlearn::commands {
namespace {

// Sets `key` when the flag was given.
class FlagSetter {
 public:
  explicit FlagSetter(config::Settings& settings) : settings_(settings) {}

  void set(const std::string& key, const std::string& value, const char* flag) {
    if (!value.empty()) settings_.set(key, value, flag);
  }
  template <class Value>
  void set(const std::string& key, const std::optional<Value>& value, const char* flag) {
    if (value) settings_.set(key, *value, flag);
  }

 private:
  config::Settings& settings_;
};

}  // namespace

config::Settings file_settings(const std::string& config, const std::vector<std::string>& set) {
  config::Settings settings;
  if (!config.empty()) {
    const auto folders = run::config_folders();
    settings = config::Settings::from_file(config::find_config(config, folders), folders);
  }
  settings.begin_layer();
  for (const std::string& assignment : set) {
    settings.assign(assignment, cat("--set ", assignment));
  }
  return settings;
}

config::Settings user_settings(const SharedFlags& shared, const TrainingFlags& training) {
  config::Settings settings = file_settings(shared.config, shared.set);
  FlagSetter flags(settings);
  flags.set("model.path", shared.model, "--model");
  flags.set("data.root", shared.data, "--data");
  flags.set("output", shared.output, "--output");
  flags.set("device", shared.device, "--device");
  flags.set("method.name", training.method, "--method");
  if (shared.strict) settings.set("model.strict", true, "--strict");
  flags.set("method.beta", training.beta, "--beta");
  flags.set("method.gamma", training.gamma, "--gamma");
  flags.set("model.reference", training.reference, "--ref-model");
  flags.set("model.reference_perturb", training.reference_perturb, "--ref-perturb");
  flags.set("data.forget", training.forget, "--forget");
  flags.set("data.retain", training.retain, "--retain");
  flags.set("train.batch_size", training.batch_size, "--batch-size");
  flags.set("train.lr", training.lr, "--lr");
  flags.set("train.epochs", training.epochs, "--epochs");
  flags.set("train.seed", shared.seed, "--seed");
  return settings;
}

}  // namespace unlearn::commands
