// The page of an audit: what was tried on a model that is said to have forgotten, and what came
// back.
#pragma once

#include <string>

#include "unlearn/core/json.h"

namespace unlearn::report {

// One HTML file without outside references or scripts, from the content of audit.json. UserError
// when `audit` is no object with a "verdict" and "attacks".
std::string audit_page(const Json& audit);

}  // namespace unlearn::report
