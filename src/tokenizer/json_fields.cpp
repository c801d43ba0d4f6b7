#include "tokenizer/json_fields.h"

#include <algorithm>
#include <limits>

#include "unlearn/core/error.h"

namespace unlearn::tokenizer {

Fields::Fields(const Json& json, std::string name) : object(json), where(std::move(name)) {
  if (!object.is_object()) user_error(where, ": must be a JSON object");
}

const Json* Fields::find(const std::string& key) const {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

const Json& Fields::need(const std::string& key) const {
  const Json* found = find(key);
  if (found == nullptr) user_error(where, ": '", key, "' is missing");
  return *found;
}

std::string Fields::text(const std::string& key) const {
  const Json& value = need(key);
  if (!value.is_string()) user_error(where, ": '", key, "' must be a string");
  return value.get<std::string>();
}

std::string Fields::text_or(const std::string& key, const std::string& fallback) const {
  return find(key) == nullptr ? fallback : text(key);
}

bool Fields::flag(const std::string& key) const {
  const Json& value = need(key);
  if (!value.is_boolean()) user_error(where, ": '", key, "' must be true or false");
  return value.get<bool>();
}

bool Fields::flag_or(const std::string& key, bool fallback) const {
  return find(key) == nullptr ? fallback : flag(key);
}

int32_t whole_number(const Json& value, const std::string& where) {
  const bool good = value.is_number_integer() &&
                    (value.is_number_unsigned()
                         ? value.get<uint64_t>() <= std::numeric_limits<int32_t>::max()
                         : value.get<int64_t>() >= 0 &&
                               value.get<int64_t>() <= std::numeric_limits<int32_t>::max());
  if (!good) user_error(where, " must be a whole number from 0 to 2147483647");
  return static_cast<int32_t>(value.get<int64_t>());
}

int32_t Fields::whole(const std::string& key) const {
  return whole_number(need(key), cat(where, ": '", key, "'"));
}

Fields Fields::child(const std::string& key) const {
  return Fields(need(key), cat(where, ": ", key));
}

const Json& Fields::list(const std::string& key) const {
  const Json& value = need(key);
  if (!value.is_array()) user_error(where, ": '", key, "' must be a list");
  return value;
}

void Fields::only(std::initializer_list<const char*> known) const {
  for (const auto& item : object.items()) {
    if (std::find(known.begin(), known.end(), item.key()) == known.end()) {
      user_error(where, ": unknown key '", item.key(), "'");
    }
  }
}

}  // namespace unlearn::tokenizer
