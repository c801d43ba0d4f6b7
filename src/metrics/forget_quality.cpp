#include "unlearn/metrics/registry.h"
#include "unlearn/metrics/tofu.h"

namespace unlearn::metrics {

KsResult forget_quality(std::span<const double> unlearned, std::span<const double> retrained) {
  return ks_two_sample(unlearned, retrained);
}

Metric make_forget_quality() {
  return {"forget_quality",
          "p-value of a KS test between the forget truth ratios of this and the retrained model",
          {"forget_quality"},
          {Need::kParaphraseLoss, Need::kPerturbedLoss, Need::kRetainLog}};
}

}  // namespace unlearn::metrics
