#pragma once

#include <string>

#include "unlearn/metrics/eval_log.h"

namespace unlearn::metrics {

// Recomputes the metrics whose rows need no knowledge of the benchmark (attacks from their scores,
// means of "score" or "rougeL_f1", privleak from the Min-K% attack) and adds them to `out`.
// `retain` is the retrained model's report or null.
void add_stored_metrics(const EvalReport& stored, const std::string& source,
                        const EvalReport* retain, const std::string& retain_source,
                        Evaluation& out);

// The AUC of one stored attack, OpenUnlearning's convention; none when a side has no score or one
// that is not finite, which `missing` names.
struct StoredAuc {
  std::optional<double> value;
  std::string missing;
};
StoredAuc stored_auc(const MetricResult& attack, const std::string& where);

}  // namespace unlearn::metrics
