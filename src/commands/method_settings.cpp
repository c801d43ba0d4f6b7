#include "commands/method_settings.h"

#include "unlearn/core/error.h"
#include "unlearn/data/dataset.h"

namespace unlearn::commands {

using config::Settings;

namespace {

constexpr const char* kWarmupSteps = "train.warmup_steps";

void apply_defaults(Settings& settings, const losses::Defaults& defaults,
                    const std::string& origin) {
  for (const auto& [key, value] : defaults) settings.assign(cat(key, "=", value), origin);
}

std::vector<std::string> quirk_names(const Settings& user) {
  struct Names {
    std::vector<std::string> names;
    void visit(config::FieldVisitor& visitor) { visitor.field("compat", names, {}); }
  } section;
  config::SettingsReader(user).read("train", section);
  return section.names;
}

}  // namespace

void drop_earlier_warmup(Settings& settings) {
  if (settings.is_later("train.warmup_epochs", kWarmupSteps)) settings.erase(kWarmupSteps);
}

std::string text_setting(const Settings& settings, const std::string& key,
                         const std::string& fallback) {
  const config::Setting* setting = settings.find(key);
  if (setting == nullptr || setting->value.is_null()) return fallback;
  if (!setting->value.is_string()) {
    user_error(setting->origin, ": ", key, ": a name is needed, not ", setting->value.dump());
  }
  return setting->value.get<std::string>();
}

Settings with_own_names(const Settings& user, const losses::Method& method) {
  Settings result;
  for (const auto& [key, setting] : user.values()) {
    std::string name = key;
    for (const auto& [theirs, ours] : losses::foreign_parameters()) {
      if (key != cat("method.", theirs)) continue;
      name = cat("method.", ours);
      if (user.contains(name)) {
        user_error(setting.origin, ": ", key, " is OpenUnlearning's name of ", name,
                   "; give one of them");
      }
    }
    Json value = setting.value;
    if (name == "method.retain_loss" && value.is_string()) {
      value = to_lower(value.get<std::string>());
    }
    result.set(name, value, setting.origin);
  }
  config::FieldDescriber fields;
  method.make()->visit(fields);
  const auto is_gamma = [](const config::FieldDoc& doc) { return doc.name == "gamma"; };
  const config::Setting* gamma = user.find("method.gamma");
  if (gamma != nullptr && std::none_of(fields.docs().begin(), fields.docs().end(), is_gamma)) {
    user_error(gamma->origin, ": method.gamma: ", method.info.name,
               " has no margin; OpenUnlearning's gamma, the forget coefficient, is "
               "method.forget_weight");
  }
  return result;
}

Settings layered_settings(const Settings& user, const losses::Method& method,
                          const std::string& spelling) {
  Settings settings;
  const std::string benchmark = text_setting(user, "data.benchmark", data::DataConfig().benchmark);
  const std::string split = text_setting(user, "data.forget", data::DataConfig().forget);
  apply_defaults(settings, method.defaults(benchmark, split), cat(method.info.name, "'s defaults"));
  apply_defaults(settings, losses::quirk_settings(*method.make(), quirk_names(user)),
                 "train.compat");
  apply_defaults(settings, losses::implied_settings(spelling), cat("method '", spelling, "'"));
  // A default in the stronger unit would hide what the user says in the other.
  const std::pair<const char*, const char*> units[] = {{"train.warmup_epochs", kWarmupSteps},
                                                       {"train.epochs", "train.max_steps"}};
  for (const auto& [weaker, stronger] : units) {
    if (user.contains(weaker)) settings.erase(stronger);
  }
  settings.overlay(user);
  return settings;
}

}  // namespace unlearn::commands
