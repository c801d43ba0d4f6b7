#include "unlearn/metrics/registry.h"

#include <algorithm>

#include "unlearn/core/error.h"

namespace unlearn::metrics {

#define METRIC(name) Metric make_##name();
#include "metrics/metrics.def"
#undef METRIC

const std::vector<Metric>& registered_metrics() {
  static const std::vector<Metric> metrics = {
#define METRIC(name) make_##name(),
#include "metrics/metrics.def"
#undef METRIC
  };
  return metrics;
}

const Metric* find_metric(const std::string& name) {
  const auto& metrics = registered_metrics();
  const auto found = std::find_if(metrics.begin(), metrics.end(),
                                  [&](const Metric& metric) { return metric.name == name; });
  return found == metrics.end() ? nullptr : &*found;
}

const char* need_name(Need need) {
  switch (need) {
    case Need::kAnswerLoss:
      return "answer losses";
    case Need::kParaphraseLoss:
      return "paraphrased-answer losses";
    case Need::kPerturbedLoss:
      return "perturbed-answer losses";
    case Need::kGeneration:
      return "generations";
    case Need::kArgmax:
      return "arg-max hits";
    case Need::kTokenLogp:
      return "token log-probabilities";
    case Need::kTokenMoments:
      return "vocabulary moments";
    case Need::kGradient:
      return "gradients";
    case Need::kHoldout:
      return "holdout texts";
    case Need::kReferenceModel:
      return "reference model";
    case Need::kOriginalModel:
      return "model before unlearning";
    case Need::kRetainLog:
      return "retain model's log";
  }
  UNLEARN_CHECK(false, "need ", static_cast<int>(need));
}

}  // namespace unlearn::metrics
