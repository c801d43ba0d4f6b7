#include <algorithm>
#include <cmath>

#include "unlearn/metrics/registry.h"

namespace unlearn::metrics {

double min_k_plus_plus_token(double logp, double mean, double variance) {
  return (logp - mean) / std::sqrt(std::max(variance, 1e-6));
}

std::optional<double> mia_min_k_plus_plus(const ScoredText& input, const TextOptions& options) {
  if (!input.token_z) return std::nullopt;
  return mean_of_lowest(*input.token_z, options.min_k).value_or(0.0);
}

Metric make_mia_min_k_plus_plus() {
  return {"mia_min_k_plus_plus",
          "mia_min_k with each token standardised by its vocabulary distribution (AUC)",
          {"mia_min_k_plus_plus"},
          {Need::kTokenLogp, Need::kTokenMoments, Need::kHoldout},
          mia_min_k_plus_plus};
}

}  // namespace unlearn::metrics
