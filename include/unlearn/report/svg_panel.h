// A plot area of an SVG drawing: data coordinates, axes with ticks, lines and markers.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace unlearn::report {

using Point = std::pair<double, double>;

// How a line or marker looks.
struct Stroke {
  std::string colour = "#000";
  double width = 1.0;
  double opacity = 1.0;
  std::string dashes = "";  // SVG's stroke-dasharray
};

// What an axis shows at least, in data; it is widened to round numbers.
struct Range {
  double begin = 0, end = 1;
};

// The place of the plot area in the drawing, in pixels.
struct PlotArea {
  double left = 0, top = 0, width = 100, height = 100;
};

class SvgPanel {
 public:
  SvgPanel(const PlotArea& area, const Range& x, const Range& y);

  void axes(const std::string& title, const std::string& x_label, const std::string& y_label);
  // Clipped to the plot area.
  void line(const std::vector<Point>& points, const Stroke& stroke);
  // A dashed line across the whole plot area, and what it is called, beside its end.
  void level_x(double x, const std::string& label);
  void level_y(double y, const std::string& label);
  // A triangle at the left axis pointing at the height y; hollow or filled.
  void axis_marker(double y, const std::string& colour, bool filled);
  // A dot that gets a label; a reader without colour tells dots by their labels.
  void dot(const Point& point, const std::string& colour, const std::string& label);
  // After all dots: labels beside them that cover neither each other nor a dot. One that finds no
  // place close by is joined to its dot by a line.
  void label_dots();
  const std::string& svg() const { return svg_; }

 private:
  // An axis: ticks at begin, begin + step, … end.
  struct Axis {
    explicit Axis(const Range& range);
    double share(double value) const { return (value - begin) / (end - begin); }
    double step, begin, end;
  };
  double x_pixel(double x) const { return area_.left + x_.share(x) * area_.width; }
  double y_pixel(double y) const { return area_.top + (1 - y_.share(y)) * area_.height; }

  struct Dot {
    Point at;  // pixels
    std::string label;
  };

  PlotArea area_;
  Axis x_, y_;
  std::vector<Dot> dots_;
  std::string svg_;
};

// A whole drawing of the given size around the panels' content.
std::string svg_document(double width, double height, const std::string& content);
// Text (escaped here) at a pixel; `attributes` are further SVG attributes.
std::string svg_text(double x, double y, const std::string& text, const std::string& attributes);
// A line between two pixels.
std::string svg_line(double x1, double y1, double x2, double y2, const Stroke& stroke);

}  // namespace unlearn::report
