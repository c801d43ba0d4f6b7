// Figures and the self-contained HTML page of a comparison.
#pragma once

#include <string>
#include <vector>

#include "unlearn/report/run_summary.h"

namespace unlearn::report {

// Forgetting against utility, one dot a run: forget quality and 1 - forget probability, each over
// model utility (runs without evaluation have no dot). An SVG document; "" when there is no dot.
std::string pareto_svg(const std::vector<RunSummary>& runs);

// Forget and retain loss of one run over its steps. An SVG document; "" without steps.
std::string curves_svg(const RunSummary& run);

// Table, figures, answers side by side and settings: one HTML file without outside references.
std::string html_page(const std::vector<RunSummary>& runs);

}  // namespace unlearn::report
