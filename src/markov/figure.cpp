#include "unlearn/markov/figure.h"

#include <algorithm>
#include <map>

#include "unlearn/core/plural.h"
#include "unlearn/core/strings.h"
#include "unlearn/report/svg_panel.h"

namespace unlearn::markov {
namespace {

constexpr double kWidth = 1080, kHeight = 460;
constexpr double kRetainShown = 0.5;  // of paths that go further, the useful part
constexpr const char* kColours[] = {"#c2452d", "#1f6fb2", "#3a8f3a", "#8a5fb0", "#b8860b"};
constexpr const char* kChains[] = {"Forget1", "Forget2"};
constexpr const char* kDashes[] = {"", "7 4"};
constexpr const char* kMarkerColour = "#333";

using report::Point;
using Curve = std::vector<Point>;

Curve curve_of(const Json& path, const std::string& chain) {
  Curve curve;
  for (size_t i = 0; i < path.at("Retain Test").size(); ++i) {
    curve.emplace_back(path.at("Retain Test")[i].get<double>(),
                       path.at(chain + " Test")[i].get<double>());
  }
  return curve;
}

// The mean of all runs at each iteration that all of them reached.
Curve mean_curve(const std::vector<Curve>& runs) {
  size_t length = runs.front().size();
  for (const Curve& run : runs) length = std::min(length, run.size());
  Curve mean(length);
  for (const Curve& run : runs) {
    for (size_t i = 0; i < length; ++i) {
      mean[i].first += run[i].first / static_cast<double>(runs.size());
      mean[i].second += run[i].second / static_cast<double>(runs.size());
    }
  }
  return mean;
}

// What one panel shows: the runs of one experiment.
struct PanelData {
  std::map<std::string, std::vector<Curve>> runs[2];  // per chain: method -> a curve per run
  double retrained[2] = {0, 0};                       // mean forget quality
  size_t records = 0;
};

void add_record(PanelData& panel, const Json& record) {
  for (size_t chain = 0; chain < 2; ++chain) {
    const std::string name = kChains[chain];
    for (const auto& [method, path] : record.at("paths").items()) {
      panel.runs[chain][method].push_back(curve_of(path, name));
    }
    panel.retrained[chain] += record.at("retrained").at(name + " Test").at(0).get<double>();
  }
  ++panel.records;
}

std::string colour_of(const PanelData& panel, const std::string& method) {
  const auto place = std::distance(panel.runs[0].begin(), panel.runs[0].find(method));
  return kColours[static_cast<size_t>(place) % std::size(kColours)];
}

std::string draw_panel(const PanelData& panel, const report::PlotArea& area,
                       const std::string& title) {
  double x_end = 1e-3, y_end = 1e-3;
  for (const auto& runs : panel.runs) {
    for (const auto& [method, curves] : runs) {
      for (const auto& [x, y] : mean_curve(curves)) {
        if (x > kRetainShown) continue;
        x_end = std::max(x_end, x);
        y_end = std::max(y_end, y);
      }
    }
  }
  report::SvgPanel plot(area, {0, x_end}, {0, y_end});
  plot.axes(title, "retain distance (KL on the retain chain; lower is better)",
            "forget quality (KL on the forget chain)");
  for (const bool is_mean : {false, true}) {
    for (size_t chain = 0; chain < 2; ++chain) {
      for (const auto& [method, curves] : panel.runs[chain]) {
        const std::string colour = colour_of(panel, method);
        if (is_mean) {
          plot.line(mean_curve(curves), {colour, 2.5, 1.0, kDashes[chain]});
        } else if (curves.size() > 1) {
          for (const Curve& curve : curves) plot.line(curve, {colour, 0.8, 0.35, kDashes[chain]});
        }
      }
    }
  }
  for (size_t chain = 0; chain < 2; ++chain) {
    plot.axis_marker(panel.retrained[chain] / static_cast<double>(panel.records), kMarkerColour,
                     chain == 0);
  }
  return plot.svg();
}

std::string draw_legend(const PanelData& panel) {
  std::string svg;
  double x = 70;
  const double y = kHeight - 22;
  for (const auto& [method, curves] : panel.runs[0]) {
    for (size_t chain = 0; chain < 2; ++chain) {
      svg += report::svg_line(x, y - 4, x + 34, y - 4,
                              {colour_of(panel, method), 2.5, 1.0, kDashes[chain]});
      const std::string label = cat(method, ", ", kChains[chain]);
      svg += report::svg_text(x + 40, y, label, "");
      x += 56 + 7.2 * static_cast<double>(label.size());
    }
  }
  for (size_t chain = 0; chain < 2; ++chain) {
    svg += cat("<path d=\"M", number(x + 10), " ", number(y - 4), " l-10 -5.5 v11 z\" stroke=\"",
               kMarkerColour, "\" fill=\"", chain == 0 ? kMarkerColour : "#fff", "\"/>\n");
    const std::string label = cat("retrained, ", kChains[chain]);
    svg += report::svg_text(x + 16, y, label, "");
    x += 32 + 7.2 * static_cast<double>(label.size());
  }
  return svg;
}

}  // namespace

std::string draw_figure(const std::vector<Json>& records) {
  std::map<std::string, PanelData> panels;  // "length" before "memorisation"
  for (const Json& record : records) {
    add_record(panels[record.at("experiment").get<std::string>()], record);
  }
  std::string svg = "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
  const double part = kWidth / static_cast<double>(panels.size());
  double left = 70;
  for (const auto& [experiment, panel] : panels) {
    const std::string title = cat(experiment, " experiment (", counted(panel.records, "run"), ")");
    svg += draw_panel(panel, {left, 40, part - 100, kHeight - 150}, title);
    left += part;
  }
  return report::svg_document(kWidth, kHeight, svg + draw_legend(panels.begin()->second));
}

}  // namespace unlearn::markov
