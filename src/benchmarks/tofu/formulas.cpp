#include "benchmarks/tofu/formulas.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "unlearn/core/error.h"

namespace unlearn::benchmarks::tofu {
namespace {

constexpr double kEpsilon = 1e-10;  // OpenUnlearning's guard

double mean_of(std::span<const double> values) {
  UNLEARN_CHECK(!values.empty(), "the mean of no values");
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

double answer_probability(double mean_loss) { return std::exp(-mean_loss); }

double normalised_probability(double mean_loss, std::span<const double> perturbed_losses,
                              Formula formula) {
  const double p = std::exp(-mean_loss);
  double sum = 0;
  for (const double loss : perturbed_losses) sum += std::exp(-loss);
  return p / (p + sum + (formula == Formula::kOpenUnlearning ? kEpsilon : 0.0));
}

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

double knowledge(double true_loss, std::span<const double> perturbed_losses) {
  const double p = std::exp(-true_loss);
  return p / (p + std::exp(-mean_of(perturbed_losses)) + kEpsilon);
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

std::optional<double> model_utility(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  if (std::ranges::find(values, 0.0) != values.end()) return 0;
  double sum = 0;
  for (const double value : values) sum += 1 / value;
  return static_cast<double>(values.size()) / sum;
}

metrics::KsResult forget_quality(std::span<const double> unlearned,
                                 std::span<const double> retrained) {
  return metrics::ks_two_sample(unlearned, retrained);
}

}  // namespace unlearn::benchmarks::tofu
