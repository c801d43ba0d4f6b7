#include "unlearn/metrics/registry.h"

namespace unlearn::metrics {
double privleak_open_unlearning(double auc, double retain_auc) {
  return ((1 - auc) - (1 - retain_auc)) / ((1 - retain_auc) + 1e-10) * 100;
}

double privleak_muse(double auc, double retrained_auc) {
  return (auc - retrained_auc) / retrained_auc * 100;
}

Metric make_privleak() {
  return {"privleak",
          "Min-K% AUC between forget and holdout texts against the retrained model's, in percent",
          {"privleak"},
          {Need::kTokenLogp, Need::kHoldout, Need::kRetainLog},
          nullptr,
          nullptr,
          "mia_min_k"};
}

}  // namespace unlearn::metrics
