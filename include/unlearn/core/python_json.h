// JSON as Python's json module writes it: with the literals NaN, Infinity and -Infinity.
#pragma once

#include "unlearn/core/json.h"

namespace unlearn {

enum class NonFinite {
  kNull,    // becomes null: no value
  kNumber,  // stays the number it is, which is written as null
};

// parse_json and read_json of such a text.
Json parse_python_json(std::string_view text, const std::string& where, NonFinite non_finite);
Json read_python_json(const std::filesystem::path& path, NonFinite non_finite);

}  // namespace unlearn
