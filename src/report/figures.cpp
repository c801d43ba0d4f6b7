#include <algorithm>
#include <cmath>

#include "unlearn/core/strings.h"
#include "unlearn/report/page.h"
#include "unlearn/report/svg_panel.h"

namespace unlearn::report {
namespace {

// Colours that stay apart for colour-blind readers (Okabe and Ito).
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#e69f00", "#56b4e9", "#000000"};
constexpr double kPanelWidth = 400, kPanelHeight = 300;

std::string colour_of(size_t index) { return kColours[index % std::size(kColours)]; }

struct Dot {
  Point point;
  size_t run;
};

using Height = double (*)(double);
double complement(double value) { return 1 - value; }
// p-values span many orders of magnitude.
double log10_of(double value) { return std::log10(std::max(value, 1e-20)); }

std::vector<Dot> dots_of(const std::vector<RunSummary>& runs, const std::string& metric,
                         Height height) {
  std::vector<Dot> dots;
  for (size_t i = 0; i < runs.size(); ++i) {
    const auto x = runs[i].metric("model_utility");
    const auto y = runs[i].metric(metric);
    if (x && y) dots.push_back({{*x, height(*y)}, i});
  }
  return dots;
}

// From the least to the largest value, a little more at both ends, within `most`.
Range range_of(const std::vector<Dot>& dots, double Point::*coordinate, const Range& most) {
  Range range{most.end, most.begin};
  for (const Dot& dot : dots) {
    range.begin = std::min(range.begin, dot.point.*coordinate);
    range.end = std::max(range.end, dot.point.*coordinate);
  }
  const double margin = std::max(0.1 * (range.end - range.begin), 0.01);
  return {std::max(most.begin, range.begin - margin), std::min(most.end, range.end + margin)};
}

// One panel of the Pareto figure; "" without a dot.
std::string pareto_panel(const PlotArea& area, const std::vector<RunSummary>& runs,
                         const std::vector<Dot>& dots, const std::string& title,
                         const std::string& y_label, const Range& y_most) {
  if (dots.empty()) return "";
  SvgPanel panel(area, range_of(dots, &Point::first, {0, 1}),
                 range_of(dots, &Point::second, y_most));
  panel.axes(title, "model utility", y_label);
  for (const Dot& dot : dots) panel.dot(dot.point, colour_of(dot.run), runs[dot.run].name);
  panel.label_dots();
  return panel.svg();
}

}  // namespace

std::string pareto_svg(const std::vector<RunSummary>& runs) {
  const std::string panels =
      pareto_panel({80, 40, kPanelWidth, kPanelHeight}, runs,
                   dots_of(runs, "forget_quality", log10_of), "Forget quality",
                   "log10 of the KS test's p-value", {-21, 0}) +
      pareto_panel({80 + kPanelWidth + 120, 40, kPanelWidth, kPanelHeight}, runs,
                   dots_of(runs, "forget_Q_A_Prob", complement), "Forgetting",
                   "1 - forget probability", {0, 1});
  if (panels.empty()) return "";
  return svg_document(2 * kPanelWidth + 240, kPanelHeight + 110, panels);
}

std::string curves_svg(const RunSummary& run) {
  if (run.curve.empty()) return "";
  double highest = 1e-9;
  std::vector<Point> forget, retain;
  for (const CurvePoint& point : run.curve) {
    highest = std::max({highest, point.forget_loss, point.retain_loss});
    forget.emplace_back(point.step, point.forget_loss);
    retain.emplace_back(point.step, point.retain_loss);
  }
  SvgPanel panel({80, 40, kPanelWidth, kPanelHeight * 2 / 3}, {0, run.curve.back().step},
                 {0, highest});
  panel.axes(run.name, "step", "loss");
  panel.line(forget, {colour_of(1), 1.5, 1.0, ""});
  if (run.has_retain) panel.line(retain, {colour_of(0), 1.5, 1.0, "5 3"});
  const double bottom = 40 + kPanelHeight * 2 / 3 + 60;
  std::string legend = svg_text(80, bottom, "forget loss (solid)", "fill=\"#d55e00\"");
  if (run.has_retain) {
    legend += svg_text(230, bottom, "retain loss (dashed)", "fill=\"#0072b2\"");
  }
  return svg_document(kPanelWidth + 120, bottom + 20, panel.svg() + legend);
}

}  // namespace unlearn::report
