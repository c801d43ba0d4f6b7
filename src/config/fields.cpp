#include "unlearn/config/fields.h"

#include <cmath>

#include "unlearn/core/error.h"

namespace unlearn::config {
namespace {

std::string range_of(const FieldSpec& spec) {
  if (!spec.choices.empty()) return join(spec.choices, " | ");
  const bool has_min = std::isfinite(spec.min);
  const bool has_max = std::isfinite(spec.max);
  const std::string low = number(spec.min);
  if (has_min && has_max) return cat(low, spec.exclusive_min ? " < … ≤ " : " … ", number(spec.max));
  if (has_min) return cat(spec.exclusive_min ? "> " : ">= ", low);
  if (has_max) return cat("<= ", number(spec.max));
  return "";
}

template <class T>
std::string optional_text(const std::optional<T>& value, const FieldSpec& spec) {
  if (!value) return spec.unset_word;
  return number(static_cast<double>(*value));
}

}  // namespace

void FieldDescriber::field(const std::string& name, bool& value, const FieldSpec& spec) {
  docs_.push_back({name, "true|false", value ? "true" : "false", "", spec.help});
}
void FieldDescriber::field(const std::string& name, int64_t& value, const FieldSpec& spec) {
  docs_.push_back({name, "integer", cat(value), range_of(spec), spec.help});
}
void FieldDescriber::field(const std::string& name, double& value, const FieldSpec& spec) {
  docs_.push_back({name, "number", number(value), range_of(spec), spec.help});
}
void FieldDescriber::field(const std::string& name, std::string& value, const FieldSpec& spec) {
  docs_.push_back({name, "text", value, range_of(spec), spec.help});
}
void FieldDescriber::field(const std::string& name, std::optional<int64_t>& value,
                           const FieldSpec& spec) {
  docs_.push_back({name, "integer", optional_text(value, spec), range_of(spec), spec.help});
}
void FieldDescriber::field(const std::string& name, std::optional<double>& value,
                           const FieldSpec& spec) {
  docs_.push_back({name, "number", optional_text(value, spec), range_of(spec), spec.help});
}
void FieldDescriber::field(const std::string& name, std::vector<std::string>& value,
                           const FieldSpec& spec) {
  docs_.push_back({name, "list", cat("[", join(value, ", "), "]"), range_of(spec), spec.help});
}

Json& FieldDumper::slot(const std::string& name) {
  Json* place = &json_;
  for (const std::string& part : split(name, '.')) place = &(*place)[part];
  return *place;
}

void FieldDumper::field(const std::string& name, bool& value, const FieldSpec&) {
  slot(name) = value;
}
void FieldDumper::field(const std::string& name, int64_t& value, const FieldSpec&) {
  slot(name) = value;
}
void FieldDumper::field(const std::string& name, double& value, const FieldSpec&) {
  slot(name) = value;
}
void FieldDumper::field(const std::string& name, std::string& value, const FieldSpec&) {
  slot(name) = value;
}
void FieldDumper::field(const std::string& name, std::optional<int64_t>& value,
                        const FieldSpec& spec) {
  if (value) {
    slot(name) = *value;
  } else {
    slot(name) = spec.unset_word.empty() ? Json(nullptr) : Json(spec.unset_word);
  }
}
void FieldDumper::field(const std::string& name, std::optional<double>& value,
                        const FieldSpec& spec) {
  if (value) {
    slot(name) = *value;
  } else {
    slot(name) = spec.unset_word.empty() ? Json(nullptr) : Json(spec.unset_word);
  }
}
void FieldDumper::field(const std::string& name, std::vector<std::string>& value,
                        const FieldSpec&) {
  Json list = Json::array();
  for (const std::string& item : value) list.push_back(item);
  slot(name) = std::move(list);
}

}  // namespace unlearn::config
