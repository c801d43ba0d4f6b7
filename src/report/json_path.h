// Reading JSON that may lack parts, and writing its values for people.
#pragma once

#include <string>
#include <vector>

#include "unlearn/core/json.h"

namespace unlearn::report {

// What stands at a path of keys; null where one is missing.
Json at_path(const Json& value, const std::vector<std::string>& keys);
// A number with the given places, "not measured" for anything else.
std::string shown_number(const Json& value, int places);
std::string shown_text(const Json& value);

}  // namespace unlearn::report
