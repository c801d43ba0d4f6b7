// WMDP (arXiv 2403.03218), beside MMLU.
#include "benchmarks/wmdp/log.h"
#include "benchmarks/wmdp/module.h"
#include "unlearn/core/error.h"

namespace unlearn::benchmarks::wmdp {
namespace {

Recomputed recompute(const StoredLogs& logs) {
  if (!logs.retain_log.empty()) {
    user_error("metrics: --retain-log: wmdp compares with no retrained model");
  }
  return {evaluate_wmdp_log(read_wmdp_log(metrics::eval_log_file(logs.log, kFilePrefix, "--log")),
                            logs.log)};
}

}  // namespace

Benchmark make_benchmark() {
  return {.info = {"wmdp",
                   "WMDP: multiple choice on bio, cyber and chem, beside MMLU (arXiv 2403.03218)",
                   {"bio"}},
          .layout = layout(),
          .make_evaluation = make_evaluation,
          .offer = offer,
          .recompute = recompute,
          .audit = audit_support(),
          .file_prefix = kFilePrefix};
}

}  // namespace unlearn::benchmarks::wmdp
