#include <algorithm>
#include <cmath>

#include "benchmarks/tofu/columns.h"
#include "benchmarks/tofu/summary.h"
#include "unlearn/core/strings.h"

namespace unlearn::benchmarks::tofu {
namespace {

constexpr int kAllDigits = 17;

}  // namespace

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
      if (value && std::isfinite(*value)) utility.push_back(*value);
    }
  }
  constexpr size_t kUtilityParts = 9;
  result.emplace_back("Model Utility",
                      utility.size() == kUtilityParts ? model_utility(utility) : std::nullopt);
  if (retain != nullptr) {
    std::optional<metrics::KsResult> quality;
    if (forget_ratio && !std::isnan(*forget_ratio)) {
      const auto [unlearned, retrained] = comparable_truth_ratios(log, *retain, options);
      if (!has_nan(retrained)) quality = forget_quality(unlearned, retrained);
    }
    const auto p = quality ? std::optional(quality->p_value) : std::nullopt;
    result.emplace_back("Forget Quality", p);
    result.emplace_back("KS Test PVal Forget", p);
    result.emplace_back("KS Test Forget",
                        quality ? std::optional(quality->statistic) : std::nullopt);
  }
  return result;
}

std::string aggregate_stat_text(const NamedValues& aggregates) {
  std::string text;
  for (const auto& [name, value] : aggregates) {
    if (value && std::isfinite(*value)) text += cat(name, ": ", number(*value, kAllDigits), "\n");
  }
  return text;
}

std::string aggregate_stat_csv(const NamedValues& aggregates) {
  const auto value_of = [&](const std::string& name) {
    const auto entry = std::find_if(aggregates.begin(), aggregates.end(),
                                    [&](const auto& value) { return value.first == name; });
    const bool known = entry != aggregates.end() && entry->second && std::isfinite(*entry->second);
    return known ? number(*entry->second, kAllDigits) : std::string();
  };
  std::vector<std::string> names, values;
  const auto add = [&](const std::string& name, const std::string& ours) {
    names.push_back(name);
    values.push_back(value_of(ours));
  };
  for (const TofuTask task : kTofuTasks) {
    const std::string display = names_of(task).display;
    add("ROUGE " + display, display + " ROUGE");
    add("Prob. " + display, display + " Probability");
    add("Truth Ratio " + display, display + " Truth Ratio");
  }
  for (const char* name : {"Model Utility", "Forget Quality"}) add(name, name);
  return join(names, ",") + "\n" + join(values, ",") + "\n";
}

}  // namespace unlearn::benchmarks::tofu
