// Reads structs out of settings: types, ranges, choices, and keys nobody knows.
#include <cmath>

#include "unlearn/config/settings.h"
#include "unlearn/core/error.h"

namespace unlearn::config {
namespace {

std::string show(const Json& value) {
  return value.is_string() ? cat("'", value.get<std::string>(), "'") : value.dump();
}

[[noreturn]] void refuse(const Setting& setting, const std::string& key,
                         const std::string& wanted) {
  user_error(setting.origin, ": ", key, ": ", wanted, " is needed, not ", show(setting.value));
}

void check_range(const Setting& setting, const std::string& key, double value,
                 const FieldSpec& spec) {
  const bool too_small = spec.exclusive_min ? value <= spec.min : value < spec.min;
  if (!std::isfinite(value) || too_small || value > spec.max) {
    std::string range;
    if (std::isfinite(spec.min)) range = cat(spec.exclusive_min ? "> " : ">= ", number(spec.min));
    if (std::isfinite(spec.max))
      range += cat(range.empty() ? "" : " and ", "<= ", number(spec.max));
    if (range.empty()) range = "finite";
    user_error(setting.origin, ": ", key, ": must be ", range, ", not ", number(value));
  }
}

double number_of(const Setting& setting, const std::string& key, const FieldSpec& spec) {
  if (!setting.value.is_number()) refuse(setting, key, "a number");
  const double value = setting.value.get<double>();
  check_range(setting, key, value, spec);
  return value;
}

int64_t integer_of(const Setting& setting, const std::string& key, const FieldSpec& spec) {
  const double value = number_of(setting, key, spec);
  if (setting.value.is_number_integer()) return setting.value.get<int64_t>();
  if (value != std::floor(value) || std::abs(value) > 9e15) refuse(setting, key, "a whole number");
  return static_cast<int64_t>(value);
}

std::string text_of(const Setting& setting, const std::string& key, const FieldSpec& spec) {
  std::string value;
  if (setting.value.is_string()) {
    value = setting.value.get<std::string>();
  } else if (setting.value.is_boolean() || setting.value.is_number()) {
    // `retain_loss: none` is text already; bare words such as 2025 or true may be names too.
    value = setting.value.dump();
  } else if (!setting.value.is_null()) {
    refuse(setting, key, "text");
  }
  if (!spec.choices.empty() &&
      std::find(spec.choices.begin(), spec.choices.end(), value) == spec.choices.end()) {
    user_error(setting.origin, ": ", key, ": must be one of ", join(spec.choices, ", "), ", not '",
               value, "'", did_you_mean(value, spec.choices));
  }
  return value;
}

// The first key of a section; "" where there is no such section.
std::string first_below(const std::vector<std::string>& known, const std::string& section) {
  const auto found = std::find_if(known.begin(), known.end(), [&](const std::string& key) {
    return key.starts_with(section + ".");
  });
  return found == known.end() ? "" : *found;
}

bool is_unset(const Setting& setting, const FieldSpec& spec) {
  return setting.value.is_null() || (!spec.unset_word.empty() && setting.value.is_string() &&
                                     setting.value.get<std::string>() == spec.unset_word);
}

}  // namespace

class SettingsReader::Visitor : public FieldVisitor {
 public:
  Visitor(const Settings& settings, std::string prefix, std::vector<std::string>& known)
      : settings_(settings), prefix_(std::move(prefix)), known_(known) {}

  void field(const std::string& name, bool& value, const FieldSpec&) override {
    const auto [key, setting] = look(name);
    if (setting == nullptr) return;
    if (!setting->value.is_boolean()) refuse(*setting, key, "true or false");
    value = setting->value.get<bool>();
  }
  void field(const std::string& name, int64_t& value, const FieldSpec& spec) override {
    const auto [key, setting] = look(name);
    if (setting != nullptr) value = integer_of(*setting, key, spec);
  }
  void field(const std::string& name, double& value, const FieldSpec& spec) override {
    const auto [key, setting] = look(name);
    if (setting != nullptr) value = number_of(*setting, key, spec);
  }
  void field(const std::string& name, std::string& value, const FieldSpec& spec) override {
    const auto [key, setting] = look(name);
    if (setting != nullptr) value = text_of(*setting, key, spec);
  }
  void field(const std::string& name, std::optional<int64_t>& value,
             const FieldSpec& spec) override {
    const auto [key, setting] = look(name);
    if (setting == nullptr) return;
    if (is_unset(*setting, spec)) {
      value.reset();
    } else {
      value = integer_of(*setting, key, spec);
    }
  }
  void field(const std::string& name, std::optional<double>& value,
             const FieldSpec& spec) override {
    const auto [key, setting] = look(name);
    if (setting == nullptr) return;
    if (is_unset(*setting, spec)) {
      value.reset();
    } else {
      value = number_of(*setting, key, spec);
    }
  }
  void field(const std::string& name, std::vector<std::string>& value,
             const FieldSpec& spec) override {
    const auto [key, setting] = look(name);
    if (setting == nullptr) return;
    value.clear();
    if (setting->value.is_null()) return;
    const Json items = setting->value.is_array() ? setting->value : Json::array({setting->value});
    for (const Json& item : items) {
      value.push_back(text_of({item, setting->origin}, key, spec));
    }
  }

 private:
  std::pair<std::string, const Setting*> look(const std::string& name) {
    std::string key = prefix_.empty() ? name : cat(prefix_, ".", name);
    known_.push_back(key);
    const Setting* setting = settings_.find(key);
    return {std::move(key), setting};
  }

  const Settings& settings_;
  std::string prefix_;
  std::vector<std::string>& known_;
};

std::unique_ptr<FieldVisitor> SettingsReader::make_visitor(const std::string& prefix) {
  return std::make_unique<Visitor>(settings_, prefix, known_);
}

Json SettingsReader::subtree(const std::string& prefix) {
  claim(prefix);
  Json result;
  const std::string below = prefix + ".";
  for (const auto& [key, setting] : settings_.values()) {
    if (key == prefix) return setting.value;
    if (!key.starts_with(below)) continue;
    Json* place = &result;
    for (const std::string& part : split(key.substr(below.size()), '.')) place = &(*place)[part];
    *place = setting.value;
  }
  return result;
}

void SettingsReader::refuse_unknown() const {
  for (const auto& [key, setting] : settings_.values()) {
    const bool known =
        std::find(known_.begin(), known_.end(), key) != known_.end() ||
        std::any_of(claimed_.begin(), claimed_.end(), [&key = key](const std::string& k) {
          return key == k || key.starts_with(k + ".");
        });
    if (known) continue;
    // A whole section left empty ("method:") says nothing.
    const std::string first = first_below(known_, key);
    if (first.empty()) {
      user_error(setting.origin, ": unknown key '", key, "'", did_you_mean(key, known_));
    }
    if (!setting.value.is_null()) {
      user_error(setting.origin, ": ", key, ": is a section, not a value; its first key is ",
                 first);
    }
  }
}

}  // namespace unlearn::config
