// Which metrics an evaluation is asked for, and what they need from the model.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "unlearn/eval/eval_config.h"
#include "unlearn/metrics/eval_log.h"
#include "unlearn/metrics/registry.h"

namespace unlearn::eval {

// What a benchmark's evaluation has to offer: metrics that it assembles itself, and what it
// provides for those of metrics.def.
struct MetricOffer {
  std::vector<metrics::Metric> own;
  std::vector<metrics::Need> provides;

  // The benchmark's own, and every one of metrics.def whose needs are provided.
  std::vector<metrics::Metric> all() const;
};

class MetricSelection {
 public:
  // eval.metrics: names, "all", or "default": all but what costs a backward pass per text or needs
  // a model that is not given. UserError for a name that is not offered.
  MetricSelection(const EvalConfig& config, const MetricOffer& offer);

  bool has(const std::string& name) const { return names_.contains(name); }
  // What is selected, in the order of the offer.
  std::vector<const metrics::Metric*> selected() const;
  bool needs(metrics::Need need) const;
  // The same of metrics that are a mean over texts to be forgotten (Metric::score) alone.
  bool has_scores() const;
  bool scores_need(metrics::Need need) const;
  // Drops what was computed on the way to the selected metrics, with its warnings.
  void filter(metrics::Evaluation& evaluation) const;

 private:
  std::vector<metrics::Metric> offered_;
  std::set<std::string> names_;
};

// Whether the metric needs it.
bool needs(const metrics::Metric& metric, metrics::Need need);

}  // namespace unlearn::eval
