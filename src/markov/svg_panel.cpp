#include "markov/svg_panel.h"

#include <cmath>

#include "unlearn/core/strings.h"

namespace unlearn::markov {
namespace {

constexpr double kTickCount = 5;

// A round step that divides 0 … end into about kTickCount parts.
double tick_step(double end) {
  const double rough = end / kTickCount;
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
  return cat("<text x=\"", pixel(x), "\" y=\"", pixel(y), "\" ", attributes, ">", text,
             "</text>\n");
}

std::string svg_line(double x1, double y1, double x2, double y2, const Stroke& stroke) {
  return cat("<line x1=\"", pixel(x1), "\" y1=\"", pixel(y1), "\" x2=\"", pixel(x2), "\" y2=\"",
             pixel(y2), "\" ", stroke_attributes(stroke), "/>\n");
}

SvgPanel::SvgPanel(const PlotArea& area, double x_end, double y_end)
    : area_(area),
      x_step_(tick_step(x_end)),
      y_step_(tick_step(y_end)),
      x_end_(x_step_ * std::ceil(x_end / x_step_ - 1e-9)),
      y_end_(y_step_ * std::ceil(y_end / y_step_ - 1e-9)) {}

void SvgPanel::axes(const std::string& title, const std::string& x_label,
                    const std::string& y_label) {
  const Stroke grid{"#ddd", 1.0, 1.0, ""};
  const double bottom = area_.top + area_.height, right = area_.left + area_.width;
  for (int i = 0; i * x_step_ <= x_end_ * 1.001; ++i) {
    const double x = x_pixel(i * x_step_);
    svg_ += svg_line(x, area_.top, x, bottom, grid);
    svg_ += svg_text(x, bottom + 18, number(i * x_step_, 4), "text-anchor=\"middle\"");
  }
  for (int i = 0; i * y_step_ <= y_end_ * 1.001; ++i) {
    const double y = y_pixel(i * y_step_);
    svg_ += svg_line(area_.left, y, right, y, grid);
    svg_ += svg_text(area_.left - 14, y + 4, number(i * y_step_, 4), "text-anchor=\"end\"");
  }
  const Stroke axis{"#333", 1.2, 1.0, ""};
  svg_ += svg_line(area_.left, bottom, right, bottom, axis);
  svg_ += svg_line(area_.left, area_.top, area_.left, bottom, axis);
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

void SvgPanel::axis_marker(double y, const std::string& colour, bool filled) {
  const double tip = area_.left, height = y_pixel(y);
  svg_ += cat("<path d=\"M", pixel(tip), " ", pixel(height), " l-10 -5.5 v11 z\" stroke=\"", colour,
              "\" fill=\"", filled ? colour : "#fff", "\"/>\n");
}

}  // namespace unlearn::markov
