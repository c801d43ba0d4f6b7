// A stored TOFU evaluation turned into its aggregates; no model is needed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/tofu/log.h"

namespace unlearn::benchmarks::tofu {

struct TofuEvaluationOptions {
  // None: kLegacy for the aggregated form, kOpenUnlearning for TOFU_EVAL.json.
  std::optional<Formula> formula;
  FalseAnswers false_answers = FalseAnswers::kLossMean;
};

// Every metric that the log's rows allow, under OpenUnlearning's names, with per-example values.
// `retain` is the retrained model's log (either form) or null; forget_quality and privleak are null
// without it. forget_quality's details hold the KS "statistic". UserError when `retain` lacks what
// it is there for.
metrics::Evaluation evaluate_tofu(const TofuLog& log, const TofuLog* retain,
                                  const TofuEvaluationOptions& options = {});

// The same without the rows: name -> number or null, sorted by name.
struct TofuSummary {
  std::map<std::string, std::optional<double>> values;
  std::vector<std::string> warnings;
};
TofuSummary tofu_summary_from_log(const TofuLog& log, const TofuLog* retain = nullptr,
                                  const TofuEvaluationOptions& options = {});

// What Unlearn-Simple writes to aggregate_stat.txt: "Real Authors ROUGE", "… Probability",
// "… Truth Ratio" (and "… KL Divergence" where stored) for each task, then "Model Utility" and,
// given a retain log, "Forget Quality", "KS Test PVal Forget" and "KS Test Forget".
// Legacy formulas whatever the log's form; what cannot be computed is null.
using NamedValues = std::vector<std::pair<std::string, std::optional<double>>>;
NamedValues legacy_aggregates(const TofuLog& log, const TofuLog* retain,
                              FalseAnswers false_answers = FalseAnswers::kLossMean);

// The two files of those values: Unlearn-Simple's aggregate_stat.txt ("Real Authors ROUGE: 0.44", a
// line per value) and the TOFU repository's table of one row ("ROUGE Real Authors", "Prob. …",
// "Truth Ratio …", …, "Model Utility", "Forget Quality"). What is null is left out of the first and
// empty in the second.
std::string aggregate_stat_text(const NamedValues& aggregates);
std::string aggregate_stat_csv(const NamedValues& aggregates);

// The forget rows' ratios of both logs in a form that can be compared, for the KS test: computed
// from the losses, or as stored where a log holds no losses. A log with NaN in it gives NaN.
// UserError when a log has neither.
std::pair<std::vector<double>, std::vector<double>> comparable_truth_ratios(
    const TofuLog& log, const TofuLog& retain, const TofuOptions& options);

}  // namespace unlearn::benchmarks::tofu
