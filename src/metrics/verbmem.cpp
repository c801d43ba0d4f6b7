#include "unlearn/metrics/registry.h"

namespace unlearn::metrics {

Metric make_verbmem() {
  return {"verbmem",
          "ROUGE-L F1 of greedy continuations of the forget texts (MUSE)",
          {"forget_verbmem_ROUGE"},
          {Need::kGeneration}};
}

}  // namespace unlearn::metrics
