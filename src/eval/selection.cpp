#include "unlearn/eval/selection.h"

#include <algorithm>

#include "unlearn/core/error.h"

namespace unlearn::eval {
namespace {

using metrics::Metric;
using metrics::Need;

bool is_optional(const Metric& metric, const EvalConfig& config) {
  return needs(metric, Need::kGradient) ||
         (needs(metric, Need::kReferenceModel) && config.reference_model.empty()) ||
         (needs(metric, Need::kOriginalModel) && config.original_model.empty());
}

}  // namespace

bool needs(const Metric& metric, Need need) {
  return std::find(metric.needs.begin(), metric.needs.end(), need) != metric.needs.end();
}

std::vector<Metric> MetricOffer::all() const {
  std::vector<Metric> all = own;
  for (const Metric& metric : metrics::registered_metrics()) {
    const bool possible = std::all_of(metric.needs.begin(), metric.needs.end(), [&](Need need) {
      return std::find(provides.begin(), provides.end(), need) != provides.end();
    });
    if (possible) all.push_back(metric);
  }
  return all;
}

MetricSelection::MetricSelection(const EvalConfig& config, const MetricOffer& offer)
    : offered_(offer.all()) {
  const std::vector<std::string>& wanted = config.metrics;
  std::vector<std::string> known;
  for (const Metric& metric : offered_) known.push_back(metric.name);
  for (const std::string& name : wanted) {
    if (name == "all" || name == "default") {
      names_.insert(known.begin(), known.end());
      if (name == "all") continue;
      for (const Metric& metric : offered_) {
        const bool is_named = std::find(wanted.begin(), wanted.end(), metric.name) != wanted.end();
        if (is_optional(metric, config) && !is_named) names_.erase(metric.name);
      }
    } else if (std::find(known.begin(), known.end(), name) == known.end()) {
      user_error("eval.metrics: '", name, "' is no metric of this benchmark",
                 did_you_mean(name, known), "; use default, all, ", join(known, ", "));
    } else {
      names_.insert(name);
    }
  }
}

std::vector<const Metric*> MetricSelection::selected() const {
  std::vector<const Metric*> result;
  for (const Metric& metric : offered_) {
    if (has(metric.name)) result.push_back(&metric);
  }
  return result;
}

bool MetricSelection::needs(Need need) const {
  const auto all = selected();
  return std::any_of(all.begin(), all.end(),
                     [&](const Metric* metric) { return eval::needs(*metric, need); });
}

bool MetricSelection::has_scores() const {
  const auto all = selected();
  return std::any_of(all.begin(), all.end(),
                     [](const Metric* metric) { return metric->score != nullptr; });
}

bool MetricSelection::scores_need(Need need) const {
  const auto all = selected();
  return std::any_of(all.begin(), all.end(), [&](const Metric* metric) {
    return metric->score != nullptr && eval::needs(*metric, need);
  });
}

void MetricSelection::filter(metrics::Evaluation& evaluation) const {
  for (const Metric& metric : offered_) {
    if (has(metric.name)) continue;
    for (const std::string& key : metric.keys) {
      evaluation.metrics.erase(key);
      std::erase_if(evaluation.warnings,
                    [&](const std::string& warning) { return warning.starts_with(key + " is "); });
    }
  }
}

}  // namespace unlearn::eval
