// The parts of audit_page.h.
#pragma once

#include <string>
#include <vector>

#include "report/html.h"
#include "unlearn/core/json.h"

namespace unlearn::report {

HtmlTable audit_heat_map(const Json& audit);          // attacks by metrics: what share came back
HtmlTable audit_models(const Json& audit);            // the models as they are: metrics, fluency
std::vector<Figure> audit_curves(const Json& audit);  // of attacks that are measured on the way

}  // namespace unlearn::report
