#include <algorithm>

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

// One panel of the Pareto figure; true when it has a dot.
bool add_dots(SvgPanel& panel, const std::vector<RunSummary>& runs, const std::string& metric,
              bool complement) {
  bool any = false;
  for (size_t i = 0; i < runs.size(); ++i) {
    const auto x = runs[i].metric("model_utility");
    const auto y = runs[i].metric(metric);
    if (!x || !y) continue;
    panel.dot({*x, complement ? 1 - *y : *y}, colour_of(i), runs[i].name);
    any = true;
  }
  return any;
}

}  // namespace

std::string pareto_svg(const std::vector<RunSummary>& runs) {
  SvgPanel quality({80, 40, kPanelWidth, kPanelHeight}, 1, 1);
  quality.axes("Forget quality", "model utility", "KS test p-value");
  SvgPanel probability({80 + kPanelWidth + 120, 40, kPanelWidth, kPanelHeight}, 1, 1);
  probability.axes("Forgetting", "model utility", "1 - forget probability");
  const bool any_quality = add_dots(quality, runs, "forget_quality", false);
  const bool any_probability = add_dots(probability, runs, "forget_Q_A_Prob", true);
  if (!any_quality && !any_probability) return "";
  return svg_document(2 * kPanelWidth + 240, kPanelHeight + 110, quality.svg() + probability.svg());
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
  SvgPanel panel({80, 40, kPanelWidth, kPanelHeight * 2 / 3}, run.curve.back().step, highest);
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
