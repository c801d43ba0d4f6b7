// Bootstrap intervals of a mean.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace unlearn::metrics {

// Percentile bootstrap of the mean, as MUSE reports it (scipy.stats.bootstrap, 95 %).
struct BootstrapOptions {
  int64_t resamples = 9999;
  double confidence = 0.95;
  uint64_t seed = 0;
};
struct MeanInterval {
  double mean = 0;
  double low = 0;
  double high = 0;
};
// None when there is no value. A pure function of the values and the options.
std::optional<MeanInterval> bootstrap_mean(std::span<const double> values,
                                           const BootstrapOptions& options = {});

}  // namespace unlearn::metrics
