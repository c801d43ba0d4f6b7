#include "report/figures.h"

#include <algorithm>
#include <cmath>

#include "unlearn/core/plural.h"
#include "unlearn/report/svg_panel.h"

namespace unlearn::report {
namespace {

constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#e69f00", "#56b4e9", "#7f7f7f"};
constexpr double kPanelWidth = 400, kPanelHeight = 300;
constexpr double kLossWidth = 300, kLossHeight = 170;
constexpr size_t kCurvesDrawn = 12, kPointsDrawn = 400;
constexpr const char* kParetoX = "model_utility";

using Height = double (*)(double);
double complement(double value) { return 1 - value; }
// p-values span many orders of magnitude.
double log10_of(double value) { return std::log10(std::max(value, 1e-20)); }

struct ParetoPanel {
  const char* metric;
  const char* title;
  const char* label;
  Height height;
  Range most;
};
constexpr ParetoPanel kPanels[] = {
    {"forget_quality", "Forget quality", "log10 of the KS test's p-value", log10_of, {-21, 0}},
    {"forget_Q_A_Prob", "Forgetting", "1 - forget probability", complement, {0, 1}}};

struct Dot {
  Point point;
  double spread_x = 0, spread_y = 0;  // one standard deviation
  size_t place = 0;                   // decides the colour
  std::string name;
  bool is_ruined = false;
};

// Where another model stands: lines across the panel.
struct Level {
  const char* letter;
  const char* name;
  std::optional<double> x, y;
};

double spread_at(const Group& group, const std::string& metric) {
  const auto found = group.after.find(metric);
  return found == group.after.end() ? 0 : found->second.sd.value_or(0);
}

std::vector<Dot> dots_of(const std::vector<Group>& groups, const ParetoPanel& panel) {
  std::vector<Dot> dots;
  for (size_t i = 0; i < groups.size(); ++i) {
    const auto x = groups[i].mean(kParetoX), y = groups[i].mean(panel.metric);
    if (!x || !y) continue;
    Dot dot{{*x, panel.height(*y)}, spread_at(groups[i], kParetoX), 0, i, groups[i].name};
    if (panel.height == &complement) dot.spread_y = spread_at(groups[i], panel.metric);
    dot.is_ruined = groups[i].is_ruined();
    dots.push_back(std::move(dot));
  }
  return dots;
}

std::vector<Level> levels_of(const Comparison& comparison, const ParetoPanel& panel) {
  std::vector<Level> levels;
  const auto add = [&](const char* letter, const char* name, const std::optional<RunSummary>& run) {
    if (!run) return;
    const auto y = run->metric(panel.metric);
    levels.push_back(
        {letter, name, run->metric(kParetoX), y ? std::optional(panel.height(*y)) : std::nullopt});
  };
  add("o", "before unlearning", comparison.original);
  add("r", "never saw the rows", comparison.retain);
  return levels;
}

// From the least to the largest value, a little more at both ends, within `most`.
Range range_of(std::vector<double> values, const Range& most) {
  const auto [least, largest] = std::minmax_element(values.begin(), values.end());
  const double margin = std::max(0.1 * (*largest - *least), 0.01);
  return {std::max(most.begin, *least - margin), std::min(most.end, *largest + margin)};
}

struct Ranges {
  Range x, y;
};

Ranges ranges_of(const std::vector<Dot>& dots, const std::vector<Level>& levels,
                 const Range& y_most) {
  std::vector<double> x, y;
  for (const Dot& dot : dots) {
    x.insert(x.end(), {dot.point.first - dot.spread_x, dot.point.first + dot.spread_x});
    y.insert(y.end(), {dot.point.second - dot.spread_y, dot.point.second + dot.spread_y});
  }
  for (const Level& level : levels) {
    if (level.x) x.push_back(*level.x);
    if (level.y) y.push_back(*level.y);
  }
  return {range_of(x, {0, 1}), range_of(y, y_most)};
}

std::string panel_svg(const PlotArea& area, const ParetoPanel& what, const std::vector<Dot>& dots,
                      const std::vector<Level>& levels) {
  const Ranges ranges = ranges_of(dots, levels, what.most);
  SvgPanel panel(area, ranges.x, ranges.y);
  panel.axes(what.title, "model utility", what.label);
  for (const Level& level : levels) {
    if (level.x) panel.level_x(*level.x, level.letter);
    if (level.y) panel.level_y(*level.y, level.letter);
  }
  for (const Dot& dot : dots) {
    const Stroke whisker{series_colour(dot.place), 1.2, 0.7, ""};
    const auto [x, y] = dot.point;
    if (dot.spread_x > 0) panel.line({{x - dot.spread_x, y}, {x + dot.spread_x, y}}, whisker);
    if (dot.spread_y > 0) panel.line({{x, y - dot.spread_y}, {x, y + dot.spread_y}}, whisker);
    panel.dot(dot.point, series_colour(dot.place), dot.name + (dot.is_ruined ? " (broken)" : ""));
  }
  panel.label_dots();
  return panel.svg();
}

Json chart_of(const ParetoPanel& what, const std::vector<Dot>& dots,
              const std::vector<Level>& levels) {
  const Ranges ranges = ranges_of(dots, levels, what.most);
  Json series = Json::array(), lines = Json::array();
  for (const Dot& dot : dots) {
    const std::string name = dot.name + (dot.is_ruined ? " (broken answers)" : "");
    series.push_back({{"label", name},
                      {"colour", series_colour(dot.place)},
                      {"ruined", dot.is_ruined},
                      {"points", Json::array({Json::array({dot.point.first, dot.point.second, name,
                                                           dot.spread_x, dot.spread_y})})}});
  }
  int place = 0;
  for (const Level& level : levels) {
    if (level.x) {
      lines.push_back({{"axis", "x"}, {"at", *level.x}, {"label", level.name}, {"place", place++}});
    }
    if (level.y) lines.push_back({{"axis", "y"}, {"at", *level.y}, {"label", level.name}});
  }
  return {{"kind", "scatter"},
          {"title", what.title},
          {"x", "model utility"},
          {"y", what.label},
          {"x_range", {ranges.x.begin, ranges.x.end}},
          {"y_range", {ranges.y.begin, ranges.y.end}},
          {"series", std::move(series)},
          {"lines", std::move(lines)}};
}

Json loss_series(const RunSummary& run, size_t place, bool retain) {
  Json points = Json::array();
  for (const CurvePoint& point : thinned(run.curve, kPointsDrawn)) {
    points.push_back({point.step, retain ? point.retain_loss : point.forget_loss});
  }
  Json series = {{"label", cat(run.name, retain ? ", retain" : ", forget")},
                 {"colour", series_colour(place)},
                 {"points", std::move(points)}};
  if (retain) series["dashes"] = {6, 4};
  return series;
}

std::string curve_svg(const RunSummary& run, size_t place, const Ranges& axes) {
  std::vector<Point> forget, retain;
  for (const CurvePoint& point : thinned(run.curve, kPointsDrawn)) {
    forget.emplace_back(point.step, point.forget_loss);
    retain.emplace_back(point.step, point.retain_loss);
  }
  SvgPanel panel({80, 40, kLossWidth, kLossHeight}, axes.x, axes.y);
  panel.axes(run.name, "step", "loss");
  panel.line(forget, {series_colour(place), 1.5, 1.0, ""});
  if (run.has_retain) panel.line(retain, {series_colour(place), 1.5, 1.0, "5 3"});
  return svg_document(kLossWidth + 110, kLossHeight + 95, panel.svg());
}

}  // namespace

std::string series_colour(size_t index) { return kColours[index % std::size(kColours)]; }

std::string pareto_svg(const Comparison& comparison) {
  std::vector<Group> alone;
  for (const RunSummary& run : comparison.runs) alone.push_back(make_group({&run}));
  std::string panels;
  for (size_t i = 0; i < std::size(kPanels); ++i) {
    const std::vector<Dot> dots = dots_of(alone, kPanels[i]);
    if (dots.empty()) continue;
    const double left = 80 + static_cast<double>(i) * (kPanelWidth + 120);
    panels += panel_svg({left, 40, kPanelWidth, kPanelHeight}, kPanels[i], dots,
                        levels_of(comparison, kPanels[i]));
  }
  if (panels.empty()) return "";
  return svg_document(2 * kPanelWidth + 240, kPanelHeight + 110, panels);
}

std::vector<Figure> pareto_figures(const Comparison& comparison, const std::vector<Group>& groups) {
  std::vector<Figure> figures;
  for (const ParetoPanel& panel : kPanels) {
    const std::vector<Dot> dots = dots_of(groups, panel);
    if (dots.empty()) continue;
    const std::vector<Level> levels = levels_of(comparison, panel);
    const std::string svg = panel_svg({80, 40, kPanelWidth, kPanelHeight}, panel, dots, levels);
    figures.push_back(
        {svg_document(kPanelWidth + 110, kPanelHeight + 100, svg), chart_of(panel, dots, levels)});
  }
  return figures;
}

std::vector<Figure> curve_figures(const std::vector<RunSummary>& runs, std::string& left_out) {
  Ranges axes{{0, 1}, {0, 1e-9}};
  std::vector<const RunSummary*> drawn;
  size_t all = 0;
  for (const RunSummary& run : runs) {
    if (run.curve.empty()) continue;
    if (++all > kCurvesDrawn) continue;
    drawn.push_back(&run);
    axes.x.end = std::max(axes.x.end, run.curve.back().step);
    for (const CurvePoint& point : run.curve) {
      for (const double loss : {point.forget_loss, point.retain_loss}) {
        if (!std::isfinite(loss)) continue;
        axes.y.begin = std::min(axes.y.begin, loss);
        axes.y.end = std::max(axes.y.end, loss);
      }
    }
  }
  if (all > drawn.size()) {
    left_out = cat(" The first ", drawn.size(), " of ", counted(all, "run"),
                   " are drawn; the others' are in their metrics.jsonl.");
  }
  Figure together{
      .chart = {
          {"kind", "line"}, {"x", "step"}, {"y", "loss"}, {"x_range", {axes.x.begin, axes.x.end}}}};
  Json series = Json::array();
  for (size_t i = 0; i < drawn.size(); ++i) {
    together.svg += curve_svg(*drawn[i], i, axes);
    series.push_back(loss_series(*drawn[i], i, false));
    if (drawn[i]->has_retain) series.push_back(loss_series(*drawn[i], i, true));
  }
  together.chart["series"] = std::move(series);
  if (drawn.empty()) return {};
  return {std::move(together)};
}

}  // namespace unlearn::report
