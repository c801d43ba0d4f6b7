// Which metrics an evaluation is asked for, and what they need from the model.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "unlearn/metrics/eval_log.h"
#include "unlearn/metrics/registry.h"

namespace unlearn::eval {

class MetricSelection {
 public:
  // `wanted` is eval.metrics: names, "default" (all but `optional`) or "all". `offered` are the
  // benchmark's metrics. UserError for any other name.
  MetricSelection(const std::vector<std::string>& wanted, const std::vector<std::string>& offered,
                  const std::vector<std::string>& optional);

  bool has(const std::string& name) const { return names_.contains(name); }
  bool needs(metrics::Need need) const;
  // Drops what was computed on the way to the selected metrics, with its warnings.
  void filter(metrics::Evaluation& evaluation) const;

 private:
  std::set<std::string> names_, others_;  // selected; offered but not selected
};

}  // namespace unlearn::eval
