#include "unlearn/metrics/registry.h"

namespace unlearn::metrics {

Metric make_kl_divergence() {
  return {"kl_divergence",
          "mean over a text's tokens of KL(original model || this model), per task",
          {"forget_KL_Divergence", "retain_KL_Divergence", "ra_KL_Divergence", "wf_KL_Divergence"},
          {Need::kOriginalModel}};
}

}  // namespace unlearn::metrics
