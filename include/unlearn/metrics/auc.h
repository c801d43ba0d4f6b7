// Area under the ROC curve, and bootstrap intervals of a mean.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace unlearn::metrics {

// P(positive > negative) + 1/2 P(equal), exact in the counts. None when either side is empty or
// holds NaN (a diverged model), so that a report shows null.
std::optional<double> auc(std::span<const double> negatives, std::span<const double> positives);

// OpenUnlearning's convention (src/evals/metrics/mia): the attack's score is higher for
// non-members and holdout is the positive label; 1 means that the forget set is clearly known.
std::optional<double> auc_open_unlearning(std::span<const double> forget,
                                          std::span<const double> holdout);

// MUSE's convention (metrics/privleak.py): labels 0 for `split0`, 1 for `split1`, score = -value;
// for (forget, holdout) it is one minus OpenUnlearning's.
std::optional<double> auc_muse(std::span<const double> split0, std::span<const double> split1);

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
