#include "unlearn/metrics/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "metrics/stats/mean.h"
#include "unlearn/core/error.h"
#include "unlearn/core/rng.h"

namespace unlearn::metrics {
namespace {

// Linear interpolation between order statistics, as numpy.percentile does by default.
double quantile(const std::vector<double>& sorted, double q) {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(std::floor(position));
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

}  // namespace

std::optional<MeanInterval> bootstrap_mean(std::span<const double> values,
                                           const BootstrapOptions& options) {
  UNLEARN_CHECK(options.resamples > 0, "resamples ", options.resamples);
  UNLEARN_CHECK(options.confidence > 0 && options.confidence < 1, "level ", options.confidence);
  if (values.empty()) return std::nullopt;
  const auto n = static_cast<int64_t>(values.size());
  Rng rng(options.seed);
  std::vector<double> means(static_cast<size_t>(options.resamples));
  for (double& resampled : means) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += values[static_cast<size_t>(rng.below(n))];
    resampled = sum / static_cast<double>(n);
  }
  std::sort(means.begin(), means.end());
  const double tail = (1 - options.confidence) / 2;
  return MeanInterval{mean_of(values), quantile(means, tail), quantile(means, 1 - tail)};
}

}  // namespace unlearn::metrics
