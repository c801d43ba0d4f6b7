#include "eval/selection.h"

#include <algorithm>

#include "unlearn/core/error.h"

namespace unlearn::eval {

MetricSelection::MetricSelection(const std::vector<std::string>& wanted,
                                 const std::vector<std::string>& offered,
                                 const std::vector<std::string>& optional) {
  for (const std::string& name : wanted) {
    if (name == "all" || name == "default") {
      names_.insert(offered.begin(), offered.end());
      if (name == "all") continue;
      for (const std::string& extra : optional) {
        if (std::find(wanted.begin(), wanted.end(), extra) == wanted.end()) names_.erase(extra);
      }
    } else if (std::find(offered.begin(), offered.end(), name) == offered.end()) {
      user_error("eval.metrics: '", name, "' is no metric of this benchmark",
                 did_you_mean(name, offered), "; use default, all, ", join(offered, ", "));
    } else {
      names_.insert(name);
    }
  }
  for (const std::string& name : offered) {
    if (!names_.contains(name)) others_.insert(name);
  }
}

bool MetricSelection::needs(metrics::Need need) const {
  return std::any_of(names_.begin(), names_.end(), [&](const std::string& name) {
    const metrics::Metric* metric = metrics::find_metric(name);
    return metric != nullptr &&
           std::find(metric->needs.begin(), metric->needs.end(), need) != metric->needs.end();
  });
}

void MetricSelection::filter(metrics::Evaluation& evaluation) const {
  for (const std::string& name : others_) {
    const metrics::Metric* metric = metrics::find_metric(name);
    if (metric == nullptr) continue;
    for (const std::string& key : metric->keys) {
      evaluation.metrics.erase(key);
      std::erase_if(evaluation.warnings,
                    [&](const std::string& warning) { return warning.starts_with(key + " is "); });
    }
  }
}

}  // namespace unlearn::eval
