// A plot area of an SVG drawing: data coordinates, axes with ticks, lines and markers.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace unlearn::markov {

using Point = std::pair<double, double>;

// How a line or marker looks.
struct Stroke {
  std::string colour = "#000";
  double width = 1.0;
  double opacity = 1.0;
  std::string dashes = "";  // SVG's stroke-dasharray
};

// The place of the plot area in the drawing, in pixels.
struct PlotArea {
  double left = 0, top = 0, width = 100, height = 100;
};

class SvgPanel {
 public:
  // Both axes start at 0 and end at (at least) the given data value.
  SvgPanel(const PlotArea& area, double x_end, double y_end);

  void axes(const std::string& title, const std::string& x_label, const std::string& y_label);
  // Clipped to the plot area.
  void line(const std::vector<Point>& points, const Stroke& stroke);
  // A triangle at the left axis pointing at the height y; hollow or filled.
  void axis_marker(double y, const std::string& colour, bool filled);
  const std::string& svg() const { return svg_; }

 private:
  double x_pixel(double x) const { return area_.left + x / x_end_ * area_.width; }
  double y_pixel(double y) const { return area_.top + area_.height - y / y_end_ * area_.height; }

  PlotArea area_;
  double x_step_, y_step_, x_end_, y_end_;
  std::string svg_;
};

// Text at a pixel; `attributes` are further SVG attributes.
std::string svg_text(double x, double y, const std::string& text, const std::string& attributes);
// A line between two pixels.
std::string svg_line(double x1, double y1, double x2, double y2, const Stroke& stroke);

}  // namespace unlearn::markov
