// Checked fields of tasks' rows; the reader of a file puts file and row in front of errors.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "unlearn/core/error.h"
#include "unlearn/core/json.h"

namespace unlearn::eval::tasks {

// Text, which may be empty: a data set's own rows have such. UserError names the field.
inline std::string text_of(const Json& row, const char* key) {
  if (!row.is_object() || !row.contains(key)) user_error("no field '", key, "'");
  if (!row[key].is_string()) user_error("field '", key, "' must be text");
  return row[key].get<std::string>();
}

inline std::vector<std::string> texts_of(const Json& row, const char* key) {
  if (!row.is_object() || !row.contains(key)) user_error("no field '", key, "'");
  const Json& list = row[key];
  const auto is_text = [](const Json& item) { return item.is_string(); };
  if (!list.is_array() || list.empty() || !std::all_of(list.begin(), list.end(), is_text)) {
    user_error("field '", key, "' must be a list of texts");
  }
  return list.get<std::vector<std::string>>();
}

// A choice's number, as a number, true or false, or digits; below `count`.
inline size_t index_of(const Json& row, const char* key, size_t count) {
  if (!row.is_object() || !row.contains(key)) user_error("no field '", key, "'");
  const Json& value = row[key];
  int64_t index = -1;
  if (value.is_number_integer()) index = value.get<int64_t>();
  if (value.is_boolean()) index = value.get<bool>() ? 1 : 0;
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    const bool is_digit = text.size() == 1 && text[0] >= '0' && text[0] <= '9';
    if (is_digit) index = text[0] - '0';
  }
  if (index < 0 || index >= static_cast<int64_t>(count)) {
    user_error("field '", key, "' must be a choice's number, 0 to ", count - 1);
  }
  return static_cast<size_t>(index);
}

// Characters of UTF-8 text, as Python's len() counts them.
inline int64_t characters_of(const std::string& text) {
  return std::count_if(text.begin(), text.end(),
                       [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; });
}

}  // namespace unlearn::eval::tasks
