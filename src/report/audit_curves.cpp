// Curves of attacks that are measured on the way: training steps, or samples k.
#include <algorithm>

#include "report/audit_parts.h"
#include "report/verdict_parts.h"
#include "unlearn/core/strings.h"
#include "unlearn/report/svg_panel.h"

namespace unlearn::report {
namespace {

constexpr double kCurveWidth = 360, kCurveHeight = 250;

std::vector<Point> curve_points(const Json& entry, const std::string& model) {
  std::vector<Point> points;
  const Json start = at_path(entry, {"before", model});
  if (start.is_number()) points.emplace_back(0.0, start.get<double>());
  for (const Json& point : entry.at("curve")) {
    const Json step = at_path(point, {"step"}), value = at_path(point, {model});
    if (step.is_number() && value.is_number()) {
      points.emplace_back(step.get<double>(), value.get<double>());
    }
  }
  return points;
}

std::string curve_panel(const Json& entry) {
  const std::vector<Point> unlearned = curve_points(entry, "U"), retain = curve_points(entry, "R");
  if (unlearned.size() < 2) return "";
  double last = 0, top = 0;
  for (const auto* points : {&unlearned, &retain}) {
    for (const auto& [step, value] : *points) {
      last = std::max(last, step);
      top = std::max(top, value);
    }
  }
  const Json original = at_path(entry, {"before", "O"});
  if (original.is_number()) top = std::max(top, original.get<double>());
  if (last <= 0 || top <= 0) return "";
  SvgPanel panel({55, 30, kCurveWidth - 75, kCurveHeight - 80}, {0, last}, {0, top});
  const bool is_sampling = shown_text(at_path(entry, {"kind"})) == "decoding";
  panel.axes(cat(shown_text(at_path(entry, {"id"}))), is_sampling ? "samples k" : "steps",
             shown_text(at_path(entry, {"metric", "name"})));
  if (original.is_number()) {
    const double level = original.get<double>();
    panel.line({{0, level}, {last, level}}, {"#888", 1, 1, "2 3"});
  }
  panel.line(unlearned, {"#c0392b", 2});
  if (retain.size() > 1) panel.line(retain, {"#2471a3", 2, 1, "6 3"});
  return svg_document(kCurveWidth, kCurveHeight, panel.svg());
}

}  // namespace

std::string audit_curves(const Json& audit) {
  std::string panels;
  for (const Json& entry : audit.at("attacks")) {
    if (at_path(entry, {"curve"}).is_array()) panels += curve_panel(entry);
  }
  if (panels.empty()) return "";
  return cat(
      "<h2>On the way</h2>\n<p class=\"note\">Whole line: the unlearned model. Long dashes: "
      "the model that never knew, under the same attack. Dots: before unlearning.</p>\n",
      panels);
}

}  // namespace unlearn::report
