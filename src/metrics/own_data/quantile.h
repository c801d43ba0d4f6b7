// Percentile intervals of resampled values.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace unlearn::metrics::own_data {

// Both ends of the middle `confidence` of the values (at least one), linear between order
// statistics as numpy.percentile.
inline std::pair<double, double> middle_of(std::vector<double> values, double confidence) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double q) {
    const double position = q * static_cast<double>(values.size() - 1);
    const auto below = static_cast<size_t>(position);
    const size_t above = std::min(below + 1, values.size() - 1);
    if (values[below] == values[above]) return values[below];  // also infinite ones
    return std::lerp(values[below], values[above], position - static_cast<double>(below));
  };
  const double tail = (1 - confidence) / 2;
  return {at(tail), at(1 - tail)};
}

}  // namespace unlearn::metrics::own_data
