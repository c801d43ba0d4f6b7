// Curves of attacks that are measured on the way: training steps, or samples k.
#include <algorithm>
#include <map>

#include "report/audit_parts.h"
#include "report/figures.h"
#include "report/json_path.h"
#include "unlearn/core/strings.h"
#include "unlearn/report/svg_panel.h"

namespace unlearn::report {
namespace {

constexpr double kCurveWidth = 330, kCurveHeight = 250;

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

bool is_sampling(const Json& entry) { return shown_text(at_path(entry, {"kind"})) == "decoding"; }

// Curves of one measure over one kind of axis: they share their axes.
struct Curves {
  std::string metric, x_label;
  std::vector<const Json*> entries;
  double last = 0, top = 0;

  void add(const Json& entry) {
    entries.push_back(&entry);
    for (const char* model : {"U", "R"}) {
      for (const auto& [step, value] : curve_points(entry, model)) {
        last = std::max(last, step);
        top = std::max(top, value);
      }
    }
    const Json original = at_path(entry, {"before", "O"});
    if (original.is_number()) top = std::max(top, original.get<double>());
  }
};

std::string panel_of(const Json& entry, const Curves& all) {
  SvgPanel panel({62, 34, kCurveWidth - 80, kCurveHeight - 90}, {0, all.last}, {0, all.top});
  panel.axes(shown_text(at_path(entry, {"id"})), all.x_label, all.metric);
  const Json original = at_path(entry, {"before", "O"});
  if (original.is_number()) {
    const double level = original.get<double>();
    panel.line({{0, level}, {all.last, level}}, {"#888", 1, 1, "2 3"});
  }
  panel.line(curve_points(entry, "U"), {"#d55e00", 2});
  const std::vector<Point> retain = curve_points(entry, "R");
  if (retain.size() > 1) panel.line(retain, {"#0072b2", 2, 1, "6 3"});
  return svg_document(kCurveWidth, kCurveHeight, panel.svg());
}

Json series_of(const Json& entry, const std::string& model, size_t place) {
  Json points = Json::array();
  for (const auto& [step, value] : curve_points(entry, model)) points.push_back({step, value});
  Json series = {{"label", shown_text(at_path(entry, {"id"})) + (model == "R" ? ", retain" : "")},
                 {"colour", series_colour(place)},
                 {"points", std::move(points)}};
  if (model == "R") series["dashes"] = {6, 4};
  return series;
}

Figure figure_of(const Curves& curves) {
  Figure figure;
  Json series = Json::array(), lines = Json::array();
  for (size_t i = 0; i < curves.entries.size(); ++i) {
    const Json& entry = *curves.entries[i];
    figure.svg += panel_of(entry, curves);
    series.push_back(series_of(entry, "U", i));
    if (curve_points(entry, "R").size() > 1) series.push_back(series_of(entry, "R", i));
  }
  const Json original = at_path(*curves.entries.front(), {"before", "O"});
  if (original.is_number()) {
    lines.push_back({{"axis", "y"}, {"at", original}, {"label", "before unlearning"}});
  }
  figure.chart = {{"kind", "line"},
                  {"title", curves.metric},
                  {"x", curves.x_label},
                  {"y", curves.metric},
                  {"x_range", {0, curves.last}},
                  {"y_range", {0, curves.top * 1.05}},
                  {"series", std::move(series)},
                  {"lines", std::move(lines)}};
  return figure;
}

}  // namespace

std::vector<Figure> audit_curves(const Json& audit) {
  std::vector<Curves> all;
  for (const Json& entry : audit.at("attacks")) {
    if (!at_path(entry, {"curve"}).is_array() || curve_points(entry, "U").size() < 2) continue;
    const std::string metric = shown_text(at_path(entry, {"metric", "name"}));
    const std::string x_label = is_sampling(entry) ? "samples k" : "steps";
    auto place = std::find_if(all.begin(), all.end(), [&](const Curves& curves) {
      return curves.metric == metric && curves.x_label == x_label;
    });
    if (place == all.end()) place = all.insert(all.end(), Curves{metric, x_label, {}});
    place->add(entry);
  }
  std::vector<Figure> figures;
  for (const Curves& curves : all) {
    if (curves.last > 0 && curves.top > 0) figures.push_back(figure_of(curves));
  }
  return figures;
}

}  // namespace unlearn::report
