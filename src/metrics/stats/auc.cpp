#include "unlearn/metrics/auc.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace unlearn::metrics {

std::optional<double> auc(std::span<const double> negatives, std::span<const double> positives) {
  const auto is_nan = [](double value) { return std::isnan(value); };
  if (negatives.empty() || positives.empty() || std::ranges::any_of(negatives, is_nan) ||
      std::ranges::any_of(positives, is_nan)) {
    return std::nullopt;
  }
  std::vector<double> sorted(negatives.begin(), negatives.end());
  std::sort(sorted.begin(), sorted.end());
  int64_t twice_wins = 0;
  for (const double value : positives) {
    const auto [low, high] = std::equal_range(sorted.begin(), sorted.end(), value);
    twice_wins += (low - sorted.begin()) + (high - sorted.begin());
  }
  return static_cast<double>(twice_wins) / 2 /
         (static_cast<double>(negatives.size()) * static_cast<double>(positives.size()));
}

std::optional<double> auc_open_unlearning(std::span<const double> forget,
                                          std::span<const double> holdout) {
  return auc(forget, holdout);
}

std::optional<double> auc_muse(std::span<const double> split0, std::span<const double> split1) {
  return auc(split1, split0);  // -v1 > -v0 is v0 > v1
}

}  // namespace unlearn::metrics
