// The figures of a comparison's page: drawings, and what scripts make of them.
#pragma once

#include <vector>

#include "report/groups.h"
#include "report/html.h"
#include "unlearn/report/page.h"

namespace unlearn::report {

// Colours that stay apart for colour-blind readers (Okabe and Ito).
std::string series_colour(size_t index);

// Empty where nothing was evaluated.
std::vector<Figure> pareto_figures(const Comparison& comparison, const std::vector<Group>& groups);

// One panel a run, all with the same axes; `left_out` says how many are not drawn.
std::vector<Figure> curve_figures(const std::vector<RunSummary>& runs, std::string& left_out);

// At most `most` of a curve's points, the last one among them.
template <class Point>
std::vector<Point> thinned(const std::vector<Point>& points, size_t most) {
  if (points.size() <= most) return points;
  std::vector<Point> result;
  for (size_t i = 0; i + 1 < most; ++i) result.push_back(points[i * points.size() / (most - 1)]);
  result.push_back(points.back());
  return result;
}

}  // namespace unlearn::report
