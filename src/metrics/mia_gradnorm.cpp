#include "unlearn/metrics/registry.h"

namespace unlearn::metrics {

std::optional<double> mia_gradnorm(const ScoredText& input, const TextOptions&) {
  return input.gradient_norm;
}

Metric make_mia_gradnorm() {
  return {"mia_gradnorm",
          "membership inference by the mean gradient norm over parameter tensors (AUC)",
          {"mia_gradnorm"},
          {Need::kGradient, Need::kHoldout},
          mia_gradnorm};
}

}  // namespace unlearn::metrics
