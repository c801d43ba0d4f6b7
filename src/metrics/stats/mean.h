#pragma once

#include <numeric>
#include <span>

#include "unlearn/core/error.h"

namespace unlearn::metrics {

inline double mean_of(std::span<const double> values) {
  UNLEARN_CHECK(!values.empty(), "the mean of no values");
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace unlearn::metrics
