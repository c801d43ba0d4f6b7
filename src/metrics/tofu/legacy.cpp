#include <cmath>

#include "metrics/tofu/columns.h"
#include "unlearn/metrics/tofu_summary.h"

namespace unlearn::metrics {

NamedValues legacy_aggregates(const TofuLog& log, const TofuLog* retain,
                              FalseAnswers false_answers) {
  const TofuOptions options{Formula::kLegacy, false_answers};
  NamedValues result;
  std::vector<double> utility;
  std::optional<double> forget_ratio;
  for (const TofuTask task : kTofuTasks) {
    const std::vector<TofuRow>& rows = log.rows(task);
    const TaskAggregates aggregates = aggregate_task(rows, task, options);
    const std::string name = names_of(task).display;
    result.emplace_back(name + " ROUGE", aggregates.rouge);
    result.emplace_back(name + " Probability", aggregates.probability);
    result.emplace_back(name + " Truth Ratio", aggregates.truth_ratio);
    const auto kl = mean(present(rows, [](const TofuRow& row) { return row.kl_divergence; }));
    if (kl) result.emplace_back(name + " KL Divergence", kl);
    if (task == TofuTask::kForget) {
      forget_ratio = aggregates.truth_ratio;
      continue;
    }
    for (const auto& value : {aggregates.rouge, aggregates.probability, aggregates.truth_ratio}) {
      if (value) utility.push_back(*value);
    }
  }
  constexpr size_t kUtilityParts = 9;
  result.emplace_back("Model Utility",
                      utility.size() == kUtilityParts ? model_utility(utility) : std::nullopt);
  if (retain != nullptr) {
    std::optional<KsResult> quality;
    if (forget_ratio && !std::isnan(*forget_ratio)) {
      const auto [unlearned, retrained] = comparable_truth_ratios(log, *retain, options);
      quality = forget_quality(unlearned, retrained);
    }
    const auto p = quality ? std::optional(quality->p_value) : std::nullopt;
    result.emplace_back("Forget Quality", p);
    result.emplace_back("KS Test PVal Forget", p);
    result.emplace_back("KS Test Forget",
                        quality ? std::optional(quality->statistic) : std::nullopt);
  }
  return result;
}

}  // namespace unlearn::metrics
