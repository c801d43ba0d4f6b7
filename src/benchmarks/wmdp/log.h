// Multiple-choice accuracy (WMDP, MMLU) from the log-likelihoods of the choices.
#pragma once

#include <filesystem>
#include <string>

#include "unlearn/metrics/eval_log.h"

namespace unlearn::benchmarks::wmdp {

// Aggregates a WMDP_EVAL.json anew. Rows hold "logp" (one per choice) and "answer"; the likeliest
// choice, the first of equals, is the prediction. Rows without "logp" count by their stored
// "score". Where rows name more than one "subject", "by_subject" has each one's accuracy.
// Utility tasks beside them are what stored_metrics.h makes of them. UserError
// "<source>: <metric>: row <n>: …" for a row that is damaged or whose stored score contradicts its
// log-likelihoods.
metrics::Evaluation evaluate_wmdp_log(const metrics::EvalReport& log, const std::string& source);

// UserError unless the report is one of WMDP's.
metrics::EvalReport read_wmdp_log(const std::filesystem::path& path);

}  // namespace unlearn::benchmarks::wmdp
