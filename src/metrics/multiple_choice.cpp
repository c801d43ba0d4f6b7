#include "unlearn/metrics/registry.h"

namespace unlearn::metrics {

Metric make_multiple_choice() {
  return {"multiple_choice",
          "share of multiple-choice questions answered right (WMDP, MMLU; zero-shot)",
          {"wmdp_bio_acc", "wmdp_cyber_acc", "wmdp_chem_acc", "mmlu_acc"},
          {Need::kTokenLogp}};
}

}  // namespace unlearn::metrics
