// Area under the ROC curve.
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

}  // namespace unlearn::metrics
