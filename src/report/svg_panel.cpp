#include "unlearn/report/svg_panel.h"

#include <algorithm>
#include <cmath>

#include "report/html.h"
#include "unlearn/core/strings.h"

namespace unlearn::report {
namespace {

constexpr double kTickCount = 5;

// Of a label: its font, a letter's mean width, how far it keeps from its dot.
constexpr double kFontSize = 10, kLetterWidth = 6.5, kGap = 8, kDotRadius = 5;
// How many heights of a label it may be moved up or down.
constexpr int kMostMoves = 12;

// Pixels; top < bottom.
struct Box {
  double left, top, right, bottom;

  bool covers(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
  bool contains(const Box& other) const {
    return left <= other.left && other.right <= right && top <= other.top && other.bottom <= bottom;
  }
};

Box dot_box(const Point& at) {
  return {at.first - kDotRadius, at.second - kDotRadius, at.first + kDotRadius,
          at.second + kDotRadius};
}

// A label of that width, `moves` half heights below its dot, to the right or to the left.
Box label_box(const Point& at, double width, int moves, bool right) {
  const double left = right ? at.first + kGap : at.first - kGap - width;
  const double top = at.second - kFontSize / 2 + moves * kFontSize / 2;
  return {left, top, left + width, top + kFontSize};
}

// A round step that divides a length into about kTickCount parts.
double tick_step(double length) {
  const double rough = length / kTickCount;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (factor * power >= rough * 0.999) return factor * power;
  }
  return 10.0 * power;
}

std::string pixel(double value) { return number(std::round(value * 100.0) / 100.0, 6); }

std::string stroke_attributes(const Stroke& stroke) {
  std::string text = cat("stroke=\"", stroke.colour, "\" stroke-width=\"", number(stroke.width),
                         "\" stroke-opacity=\"", number(stroke.opacity), "\"");
  if (!stroke.dashes.empty()) text += cat(" stroke-dasharray=\"", stroke.dashes, "\"");
  return text;
}

}  // namespace

std::string svg_text(double x, double y, const std::string& text, const std::string& attributes) {
  return cat("<text x=\"", pixel(x), "\" y=\"", pixel(y), "\" ", attributes, ">", escape_html(text),
             "</text>\n");
}

std::string svg_line(double x1, double y1, double x2, double y2, const Stroke& stroke) {
  return cat("<line x1=\"", pixel(x1), "\" y1=\"", pixel(y1), "\" x2=\"", pixel(x2), "\" y2=\"",
             pixel(y2), "\" ", stroke_attributes(stroke), "/>\n");
}

std::string svg_document(double width, double height, const std::string& content) {
  return cat("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", pixel(width), "\" height=\"",
             pixel(height), "\" viewBox=\"0 0 ", pixel(width), " ", pixel(height),
             "\" font-family=\"sans-serif\" font-size=\"12\">\n", content, "</svg>\n");
}

SvgPanel::Axis::Axis(const Range& range)
    : step(tick_step(range.end - range.begin)),
      begin(step * std::floor(range.begin / step + 1e-9)),
      end(step * std::ceil(range.end / step - 1e-9)) {}

SvgPanel::SvgPanel(const PlotArea& area, const Range& x, const Range& y)
    : area_(area), x_(x), y_(y) {}

void SvgPanel::axes(const std::string& title, const std::string& x_label,
                    const std::string& y_label) {
  const Stroke grid{"#ddd", 1.0, 1.0, ""};
  const double bottom = area_.top + area_.height, right = area_.left + area_.width;
  svg_ += "<g class=\"grid\">\n";  // pages have colours of their own for light and dark
  for (int i = 0; x_.begin + i * x_.step < x_.end + 0.001 * x_.step; ++i) {
    const double value = x_.begin + i * x_.step, x = x_pixel(value);
    svg_ += svg_line(x, area_.top, x, bottom, grid);
    svg_ += svg_text(x, bottom + 18, number(value, 4), "text-anchor=\"middle\"");
  }
  for (int i = 0; y_.begin + i * y_.step < y_.end + 0.001 * y_.step; ++i) {
    const double value = y_.begin + i * y_.step, y = y_pixel(value);
    svg_ += svg_line(area_.left, y, right, y, grid);
    svg_ += svg_text(area_.left - 14, y + 4, number(value, 4), "text-anchor=\"end\"");
  }
  const Stroke axis{"#333", 1.2, 1.0, ""};
  svg_ += "</g>\n<g class=\"axis\">\n";
  svg_ += svg_line(area_.left, bottom, right, bottom, axis);
  svg_ += svg_line(area_.left, area_.top, area_.left, bottom, axis);
  svg_ += "</g>\n";
  const double middle = area_.left + area_.width / 2;
  svg_ += svg_text(middle, area_.top - 14, title, "text-anchor=\"middle\" font-weight=\"bold\"");
  svg_ += svg_text(middle, bottom + 40, x_label, "text-anchor=\"middle\"");
  const double x = area_.left - 52, y = area_.top + area_.height / 2;
  svg_ += svg_text(
      x, y, y_label,
      cat("text-anchor=\"middle\" transform=\"rotate(-90 ", pixel(x), " ", pixel(y), ")\""));
}

void SvgPanel::line(const std::vector<Point>& points, const Stroke& stroke) {
  // A nested svg element clips what leaves the plot area.
  svg_ += cat("<svg x=\"", pixel(area_.left), "\" y=\"", pixel(area_.top), "\" width=\"",
              pixel(area_.width), "\" height=\"", pixel(area_.height), "\"><polyline points=\"");
  for (const auto& [x, y] : points) {
    svg_ += cat(pixel(x_pixel(x) - area_.left), ",", pixel(y_pixel(y) - area_.top), " ");
  }
  svg_ +=
      cat("\" fill=\"none\" stroke-linejoin=\"round\" ", stroke_attributes(stroke), "/></svg>\n");
}

void SvgPanel::level_x(double x, const std::string& label) {
  const Stroke stroke{"#888", 1, 1, "6 4"};
  const double at = x_pixel(x);
  svg_ += svg_line(at, area_.top, at, area_.top + area_.height, stroke);
  svg_ += svg_text(at, area_.top - 3, label, "text-anchor=\"middle\" font-size=\"11\"");
}

void SvgPanel::level_y(double y, const std::string& label) {
  const Stroke stroke{"#888", 1, 1, "6 4"};
  const double at = y_pixel(y), right = area_.left + area_.width;
  svg_ += svg_line(area_.left, at, right, at, stroke);
  svg_ += svg_text(right + 4, at + 4, label, "font-size=\"11\"");
}

void SvgPanel::dot(const Point& point, const std::string& colour, const std::string& label) {
  const Point at{x_pixel(point.first), y_pixel(point.second)};
  svg_ += cat("<circle cx=\"", pixel(at.first), "\" cy=\"", pixel(at.second), "\" r=\"",
              number(kDotRadius), "\" fill=\"", colour, "\" fill-opacity=\"0.8\"/>\n");
  dots_.push_back({at, label});
}

void SvgPanel::label_dots() {
  const Box area{area_.left, area_.top, area_.left + area_.width, area_.top + area_.height};
  std::vector<Box> taken;
  for (const Dot& dot : dots_) taken.push_back(dot_box(dot.at));
  const auto is_free = [&](const Box& box) {
    return area.contains(box) && std::none_of(taken.begin(), taken.end(),
                                              [&](const Box& other) { return box.covers(other); });
  };
  for (const Dot& dot : dots_) {
    const double width = kLetterWidth * static_cast<double>(dot.label.size());
    const bool prefers_right = dot.at.first < area_.left + area_.width / 2;
    Box box = label_box(dot.at, width, 0, prefers_right);
    bool right = prefers_right;
    for (int i = 0; i <= 4 * kMostMoves && !is_free(box); ++i) {
      // 0, 1 up, 1 down, 2 up, … on the preferred side, then the same on the other.
      const int step = i / 2 % (2 * kMostMoves + 1);
      right = (i % 2 == 0) == prefers_right;
      box = label_box(dot.at, width, (step + 1) / 2 * (step % 2 == 0 ? 1 : -1), right);
    }
    taken.push_back(box);
    const double middle = (box.top + box.bottom) / 2;
    const double end = right ? box.left : box.right;
    if (std::abs(middle - dot.at.second) > kFontSize / 2) {
      svg_ += svg_line(dot.at.first, dot.at.second, end, middle, {"#999", 0.7, 1.0, ""});
    }
    svg_ += svg_text(end, middle + 4, dot.label,
                     right ? "font-size=\"10\"" : "text-anchor=\"end\" font-size=\"10\"");
  }
}

void SvgPanel::axis_marker(double y, const std::string& colour, bool filled) {
  const double tip = area_.left, height = y_pixel(y);
  svg_ += cat("<path d=\"M", pixel(tip), " ", pixel(height), " l-10 -5.5 v11 z\" stroke=\"", colour,
              "\" fill=\"", filled ? colour : "#fff", "\"/>\n");
}

}  // namespace unlearn::report
