#include <yaml-cpp/yaml.h>

#include <set>

#include "unlearn/config/settings.h"

namespace unlearn::config {
namespace {

bool needs_quotes(const std::string& text) {
  if (text.empty()) return false;  // an empty value reads back as "not given"
  try {
    const YAML::Node node = YAML::Load(text);
    if (!node.IsScalar() || node.Scalar() != text) return true;
  } catch (const YAML::Exception&) {
    return true;
  }
  // Words and numbers that a plain scalar would turn into another type.
  static const std::set<std::string> kWords = {"null", "Null", "NULL",  "~",     "true",
                                               "True", "TRUE", "false", "False", "FALSE"};
  const bool number_like = text.find_first_not_of("0123456789.+-eE") == std::string::npos;
  return kWords.contains(text) || number_like;
}

void emit(YAML::Emitter& out, const Json& value) {
  if (value.is_object()) {
    out << YAML::BeginMap;
    for (const auto& [key, item] : value.items()) {
      out << YAML::Key << key << YAML::Value;
      emit(out, item);
    }
    out << YAML::EndMap;
  } else if (value.is_array()) {
    out << YAML::Flow << YAML::BeginSeq;
    for (const Json& item : value) emit(out, item);
    out << YAML::EndSeq;
  } else if (value.is_string()) {
    const auto text = value.get<std::string>();
    if (needs_quotes(text)) {
      out << YAML::DoubleQuoted << text;
    } else {
      out << text;
    }
  } else if (value.is_null()) {
    out << YAML::Null;
  } else {
    out << value.dump();  // numbers in their shortest exact form
  }
}

}  // namespace

std::string to_yaml(const Json& object) {
  YAML::Emitter out;
  emit(out, object);
  return std::string(out.c_str()) + "\n";
}

}  // namespace unlearn::config
