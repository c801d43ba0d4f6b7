// The parts of verdict_page.h, each an HTML fragment ("" where there is nothing to show).
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

std::string verdict_style();
std::string verdict_figures(const Json& verdict);  // the measures, before and after
std::string verdict_rows(const Json& verdict);     // one table row per forget row
std::string verdict_prompts(const Json& verdict);  // how else each row was asked
std::string verdict_origin(const Json& verdict);   // settings, hashes, date and machine

}  // namespace unlearn::report
