// Figures and the self-contained HTML page of a comparison.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "unlearn/report/run_summary.h"

namespace unlearn::report {

// Runs and what they are compared with.
struct Comparison {
  std::vector<RunSummary> runs = {};
  std::optional<RunSummary> original = {};  // the model before unlearning
  std::optional<RunSummary> retain = {};    // the model that never saw the forget rows
  // Who wrote the page, when and where; "" is left out.
  std::string program = {}, date = {}, machine = {};
};

// Forgetting against utility, one dot a run: forget quality and 1 - forget probability, each over
// model utility (runs without evaluation have no dot), with lines where the models stand that they
// are compared with. An SVG document; "" when there is no dot.
std::string pareto_svg(const Comparison& comparison);

// One HTML file without outside references. Runs that differ in their seed alone are averaged; runs
// without a "before" of their own get the original's.
std::string html_page(Comparison comparison);

}  // namespace unlearn::report
