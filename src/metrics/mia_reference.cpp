#include "unlearn/metrics/registry.h"

namespace unlearn::metrics {

std::optional<double> mia_reference(const ScoredText& input, const TextOptions&) {
  if (!input.mean_loss || !input.reference_mean_loss) return std::nullopt;
  return *input.mean_loss - *input.reference_mean_loss;
}

Metric make_mia_reference() {
  return {"mia_reference",
          "membership inference by the loss above a reference model's (AUC)",
          {"mia_reference"},
          {Need::kAnswerLoss, Need::kHoldout, Need::kReferenceModel},
          mia_reference};
}

}  // namespace unlearn::metrics
