// The page of one unlearning run on own data: the verdict's sentence, and everything below it that
// a reader needs to check it.
#pragma once

#include <string>

#include "unlearn/core/json.h"

namespace unlearn::report {

// One HTML file without outside references or scripts, from the content of verdict.json. Parts that
// are missing or null are left out or shown as "not measured". UserError when `verdict` is no
// object with a "verdict" and "rows".
std::string verdict_page(const Json& verdict);

}  // namespace unlearn::report
