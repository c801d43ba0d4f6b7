#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "unlearn/core/error.h"
#include "unlearn/metrics/registry.h"

namespace unlearn::metrics {

std::optional<double> mean_of_lowest(std::span<const double> values, double fraction) {
  UNLEARN_CHECK(fraction > 0 && fraction <= 1, "fraction ", fraction);
  // A NaN (diverged model) has no place in an order; the score is NaN then.
  if (std::ranges::any_of(values, [](double value) { return std::isnan(value); })) {
    return std::nan("");
  }
  if (values.empty()) return std::nullopt;
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const double wanted = std::floor(fraction * static_cast<double>(sorted.size()));
  const auto count = std::max<std::ptrdiff_t>(1, static_cast<std::ptrdiff_t>(wanted));
  return -std::accumulate(sorted.begin(), sorted.begin() + count, 0.0) / static_cast<double>(count);
}

std::optional<double> mia_min_k(const ScoredText& input, const TextOptions& options) {
  if (!input.token_logp) return std::nullopt;
  return mean_of_lowest(*input.token_logp, options.min_k).value_or(0.0);
}

Metric make_mia_min_k() {
  return {"mia_min_k",
          "membership inference by the least likely 40 % of the tokens (AUC)",
          {"mia_min_k"},
          {Need::kTokenLogp, Need::kHoldout},
          mia_min_k};
}

}  // namespace unlearn::metrics
