#include "unlearn/metrics/registry.h"

namespace unlearn::metrics {

std::optional<double> mia_loss(const ScoredText& input, const TextOptions&) {
  return input.mean_loss;
}

Metric make_mia_loss() {
  return {"mia_loss",
          "membership inference by the mean token loss (AUC)",
          {"mia_loss"},
          {Need::kAnswerLoss, Need::kHoldout},
          mia_loss};
}

}  // namespace unlearn::metrics
