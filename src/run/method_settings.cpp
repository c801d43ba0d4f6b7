#include "run/method_settings.h"

#include "unlearn/benchmarks/benchmark.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"

namespace unlearn::run {

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

// Our key for one that may be another code base's.
std::string own_name(const std::string& key) {
  for (const auto& [theirs, ours] : losses::foreign_parameters()) {
    if (key == cat("method.", theirs)) return cat("method.", ours);
  }
  return key;
}

// Whether the value is left to be derived from another key.
bool is_open(const config::Setting& setting) {
  return setting.value.is_null() || setting.value == "auto";
}

// Several keys may say one value: the latest layer's counts, as with one key. Those of one layer
// stay; they contradict each other.
Settings without_earlier_names(const Settings& user) {
  const auto is_margin = [](const std::string& key) {
    return key == "method.gamma" || key == "method.delta";
  };
  Settings latest = user;
  for (const auto& [earlier, unused] : user.values()) {
    for (const auto& [key, setting] : user.values()) {
      const bool is_same_value = own_name(key) == own_name(earlier) ||
                                 (is_margin(key) && is_margin(earlier) && !is_open(setting));
      if (is_same_value && user.is_later(key, earlier)) latest.erase(earlier);
    }
  }
  return latest;
}

bool has_parameter(const losses::Method& method, const std::string& name) {
  config::FieldDescriber fields;
  method.make()->visit(fields);
  return std::any_of(fields.docs().begin(), fields.docs().end(),
                     [&](const config::FieldDoc& doc) { return doc.name == name; });
}

// gamma and delta are two forms of one margin; where neither has a value it is 0, in the paper's
// form.
void default_margin(Settings& settings, const losses::Method& method) {
  for (const char* name : {"gamma", "delta"}) {
    const config::Setting* given = settings.find(cat("method.", name));
    if (!has_parameter(method, name) || (given != nullptr && !is_open(*given))) return;
  }
  settings.set("method.gamma", 0.0, "default");
}

// gamma means another thing in each code base: warns where the method is spelled as one of them
// spells it. Ours is the paper's margin.
void check_gamma(const Settings& user, const losses::Method& method, const std::string& spelling) {
  const config::Setting* gamma = user.find("method.gamma");
  if (gamma == nullptr || is_open(*gamma)) return;
  if (!has_parameter(method, "gamma")) {
    user_error(gamma->origin, ": method.gamma: ", method.info.name,
               " has no margin; OpenUnlearning's gamma, the forget coefficient, is "
               "method.forget_weight; that of Unlearn-Simple's WMDP code, the retain coefficient, "
               "is method.retain_weight");
  }
  const config::Setting* delta = user.find("method.delta");
  if (spelling == "SimNPO") {  // with these capitals
    const std::string theirs =
        cat("SimNPO is OpenUnlearning's spelling, and its gamma, the forget coefficient, is ",
            "method.forget_weight here (its alpha: method.retain_weight; its delta: method.delta)");
    if (delta != nullptr && !is_open(*delta) && delta->layer == gamma->layer) {
      user_error(gamma->origin, ": method.gamma and method.delta are two forms of one margin, and ",
                 "both are given; ", theirs);
    }
    log::warn(gamma->origin, ": method.gamma ", gamma->value.dump(),
              " is taken as the paper's margin, delta * beta; ", theirs,
              "; write simnpo if the margin is meant");
  } else if (to_lower(spelling).ends_with("ft")) {
    log::warn(
        gamma->origin, ": method.gamma ", gamma->value.dump(), " is taken as the paper's margin; ",
        spelling,
        " is the spelling of Unlearn-Simple's WMDP code, whose gamma, the retain coefficient, ",
        "is method.retain_weight here; write simnpo if the margin is meant");
  } else if (to_lower(spelling) != method.info.name && gamma->value != 0) {
    log::warn(gamma->origin, ": method.gamma ", gamma->value.dump(),
              " is taken as the paper's margin; ", spelling,
              " is Unlearn-Simple's spelling, whose gamma lies inside beta and is method.delta = ",
              "gamma / beta here; write simnpo if the paper's is meant");
  }
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

Settings with_own_names(const Settings& user, const losses::Method& method,
                        const std::string& spelling) {
  check_gamma(user, method, spelling);
  const Settings latest = without_earlier_names(user);
  Settings result;
  for (const auto& [key, setting] : latest.values()) {
    const std::string name = own_name(key);
    if (name != key && result.contains(name)) {
      user_error(setting.origin, ": ", key, " is another name of ", name, ", which ",
                 result.find(name)->origin, " gives too; give one of them");
    }
    if (name != key && latest.contains(name)) {
      user_error(setting.origin, ": ", key, " is another name of ", name, "; give one of them");
    }
    Json value = setting.value;
    if (name == "method.retain_loss" && value.is_string()) {
      value = to_lower(value.get<std::string>());
    }
    result.set(name, value, setting.origin);
  }
  return result;
}

Settings layered_settings(const Settings& user, const losses::Method& method,
                          const std::string& spelling) {
  Settings settings;
  const std::string benchmark =
      text_setting(user, "data.benchmark", benchmarks::DataSection().benchmark);
  const std::string split = text_setting(user, "data.forget", data::DataConfig().forget);
  apply_defaults(settings, method.defaults_for(benchmark, split),
                 cat(method.info.name, "'s defaults"));
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
  default_margin(settings, method);
  return settings;
}

}  // namespace unlearn::run
