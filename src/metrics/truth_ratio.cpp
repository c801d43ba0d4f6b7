#include <algorithm>
#include <cmath>

#include "metrics/stats/mean.h"
#include "unlearn/core/error.h"
#include "unlearn/metrics/registry.h"
#include "unlearn/metrics/tofu.h"

namespace unlearn::metrics {
namespace {

constexpr double kEpsilon = 1e-10;  // OpenUnlearning's guard

}  // namespace

double truth_ratio(double true_loss, std::span<const double> perturbed_losses,
                   const TofuOptions& options) {
  if (options.false_answers == FalseAnswers::kProbMean) {
    std::vector<double> probabilities;
    for (const double loss : perturbed_losses) probabilities.push_back(std::exp(-loss));
    const double guard = options.formula == Formula::kOpenUnlearning ? kEpsilon : 0.0;
    return mean_of(probabilities) / (std::exp(-true_loss) + guard);
  }
  const double false_loss = mean_of(perturbed_losses);
  if (options.formula == Formula::kOpenUnlearning) {
    return std::exp(-false_loss) / (std::exp(-true_loss) + kEpsilon);
  }
  return std::exp(true_loss - false_loss);
}

std::optional<double> mean_truth_ratio(std::span<const double> ratios, TofuTask task,
                                       Formula formula) {
  if (ratios.empty()) return std::nullopt;
  const double guard = formula == Formula::kOpenUnlearning ? kEpsilon : 0.0;
  double sum = 0;
  for (const double ratio : ratios) {
    if (std::isnan(ratio)) return ratio;  // max(0, NaN) would hide it
    sum +=
        task == TofuTask::kForget ? std::min(ratio, 1 / (ratio + guard)) : std::max(0.0, 1 - ratio);
  }
  return sum / static_cast<double>(ratios.size());
}

Metric make_truth_ratio() {
  return {"truth_ratio",
          "how much likelier false answers are than a paraphrase of the true one",
          {"forget_truth_ratio", "retain_Truth_Ratio", "ra_Truth_Ratio", "wf_Truth_Ratio"},
          {Need::kParaphraseLoss, Need::kPerturbedLoss}};
}

}  // namespace unlearn::metrics
