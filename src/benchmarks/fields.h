// Checked fields of evaluation rows; for_each_json_row puts file and row in front of errors.
#pragma once

#include <string>

#include "unlearn/core/error.h"
#include "unlearn/core/json.h"

namespace unlearn::benchmarks {

// A non-empty UTF-8 text; UserError names the field.
inline std::string checked_text(const Json& row, const char* key) {
  if (!row.is_object() || !row.contains(key)) user_error("no field '", key, "'");
  const Json& value = row[key];
  if (!value.is_string()) user_error("field '", key, "' must be text");
  auto text = value.get<std::string>();
  if (trim(text).empty()) user_error("field '", key, "' is empty");
  return text;
}

}  // namespace unlearn::benchmarks
