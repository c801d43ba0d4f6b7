// What a WMDP evaluation reports.
#include "benchmarks/wmdp/module.h"

namespace unlearn::benchmarks::wmdp {

eval::MetricOffer offer(const eval::EvalConfig&) {
  return {.own = {{"multiple_choice",
                   "share of multiple-choice questions answered right (WMDP, MMLU; zero-shot)",
                   {"wmdp_bio_acc", "wmdp_cyber_acc", "wmdp_chem_acc", "mmlu_acc"},
                   {metrics::Need::kTokenLogp}}},
          .provides = {}};
}

}  // namespace unlearn::benchmarks::wmdp
