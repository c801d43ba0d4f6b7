// The parts of audit_page.h, each an HTML fragment ("" where there is nothing to show).
#pragma once

#include <string>
#include <vector>

#include "unlearn/core/json.h"

namespace unlearn::report {

std::string audit_heat_map(const Json& audit);  // attacks by metrics: what share came back
std::string audit_curves(const Json& audit);    // of attacks that are measured on the way
std::string audit_models(
    const Json& audit);  // the models as they are: metrics, membership, fluency
std::string audit_white_box(const Json& audit);  // what is left in each block

}  // namespace unlearn::report
