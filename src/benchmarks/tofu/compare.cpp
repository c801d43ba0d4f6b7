#include <algorithm>

#include "benchmarks/tofu/columns.h"
#include "benchmarks/tofu/summary.h"
#include "unlearn/core/error.h"

namespace unlearn::benchmarks::tofu {
namespace {

const std::vector<TofuRow>& forget_rows(const TofuLog& log) {
  const std::vector<TofuRow>& rows = log.rows(TofuTask::kForget);
  if (rows.empty()) {
    user_error(log.source, ": no forget task; forget quality needs eval_log_forget.json or ",
               "forget_truth_ratio");
  }
  return rows;
}

bool all_have_losses(const std::vector<TofuRow>& rows) {
  return std::all_of(rows.begin(), rows.end(),
                     [](const TofuRow& row) { return has_ratio_losses(row, TofuTask::kForget); });
}

std::vector<double> ratios(const TofuLog& log, const TofuOptions& options) {
  std::vector<double> values = present(forget_rows(log), [&](const TofuRow& row) {
    return row_truth_ratio(row, TofuTask::kForget, options);
  });
  if (values.empty()) {
    user_error(log.source, ": the forget task has neither truth ratios nor the paraphrased and ",
               "perturbed losses they come from");
  }
  return values;
}

}  // namespace

std::pair<std::vector<double>, std::vector<double>> comparable_truth_ratios(
    const TofuLog& log, const TofuLog& retain, const TofuOptions& options) {
  TofuOptions form = options;
  // A stored ratio already has OpenUnlearning's guard in it; the other side must have it too.
  if (!all_have_losses(forget_rows(log)) || !all_have_losses(forget_rows(retain))) {
    form.formula = Formula::kOpenUnlearning;
  }
  return {ratios(log, form), ratios(retain, form)};
}

}  // namespace unlearn::benchmarks::tofu
