#include "metrics/tofu/columns.h"
#include "unlearn/metrics/tofu_summary.h"

namespace unlearn::metrics {

NamedValues legacy_aggregates(const TofuLog& log, const TofuLog* retain,
                              FalseAnswers false_answers) {
  const TofuOptions options{Formula::kLegacy, false_answers};
  NamedValues result;
  std::vector<double> utility;
  for (const TofuTask task : kTofuTasks) {
    const std::vector<TofuRow>& rows = log.rows(task);
    const TaskAggregates aggregates = aggregate_task(rows, task, options);
    const std::string name = names_of(task).display;
    result.emplace_back(name + " ROUGE", aggregates.rouge);
    result.emplace_back(name + " Probability", aggregates.probability);
    result.emplace_back(name + " Truth Ratio", aggregates.truth_ratio);
    const auto kl = mean(present(rows, [](const TofuRow& row) { return row.kl_divergence; }));
    if (kl) result.emplace_back(name + " KL Divergence", kl);
    if (task == TofuTask::kForget) continue;
    for (const auto& value : {aggregates.rouge, aggregates.probability, aggregates.truth_ratio}) {
      if (value) utility.push_back(*value);
    }
  }
  constexpr size_t kUtilityParts = 9;
  result.emplace_back("Model Utility",
                      utility.size() == kUtilityParts ? model_utility(utility) : std::nullopt);
  if (retain != nullptr) {
    const auto [unlearned, retrained] = comparable_truth_ratios(log, *retain, options);
    const KsResult quality = forget_quality(unlearned, retrained);
    result.emplace_back("Forget Quality", quality.p_value);
    result.emplace_back("KS Test PVal Forget", quality.p_value);
    result.emplace_back("KS Test Forget", quality.statistic);
  }
  return result;
}

}  // namespace unlearn::metrics
