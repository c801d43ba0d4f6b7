#include <algorithm>

#include "unlearn/metrics/registry.h"
#include "unlearn/metrics/tofu.h"

namespace unlearn::metrics {

std::optional<double> model_utility(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  if (std::ranges::find(values, 0.0) != values.end()) return 0;
  double sum = 0;
  for (const double value : values) sum += 1 / value;
  return static_cast<double>(values.size()) / sum;
}

Metric make_model_utility() {
  return {"model_utility",
          "harmonic mean of ROUGE, probability and truth ratio on retain, authors and world facts",
          {"model_utility"},
          {Need::kAnswerLoss, Need::kParaphraseLoss, Need::kPerturbedLoss, Need::kGeneration}};
}

}  // namespace unlearn::metrics
