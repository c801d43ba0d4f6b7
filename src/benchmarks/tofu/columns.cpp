#include "benchmarks/tofu/columns.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace unlearn::benchmarks::tofu {
namespace {

// Real Authors and Real World have no paraphrase: the answer takes its place. The TOFU repository
// scores it a second time for that (low precision makes a small difference); OpenUnlearning reads
// the answer's own loss.
std::optional<double> true_loss(const TofuRow& row, TofuTask task, Formula formula) {
  const bool world = task == TofuTask::kRealAuthors || task == TofuTask::kRealWorld;
  if (!world) return row.paraphrase.mean;
  const bool answer_first = formula == Formula::kOpenUnlearning;
  const std::optional<double>& first = answer_first ? row.answer.mean : row.paraphrase.mean;
  return first ? first : answer_first ? row.paraphrase.mean : row.answer.mean;
}

std::vector<double> perturbed_losses(const TofuRow& row) {
  std::vector<double> losses;
  for (const AnswerLoss& answer : row.perturbed) {
    if (!answer.mean) return {};
    losses.push_back(*answer.mean);
  }
  return losses;
}

}  // namespace

std::optional<double> mean(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

bool has_nan(const std::vector<double>& values) {
  return std::any_of(values.begin(), values.end(), [](double value) { return std::isnan(value); });
}

bool has_ratio_losses(const TofuRow& row, TofuTask task) {
  return true_loss(row, task, Formula::kLegacy) && !perturbed_losses(row).empty();
}

std::optional<double> row_probability(const AnswerLoss& answer, Formula formula) {
  if (formula == Formula::kOpenUnlearning && answer.probability) return answer.probability;
  if (!answer.mean) return std::nullopt;
  return answer_probability(*answer.mean);
}

std::optional<double> row_normalised(const TofuRow& row, Formula formula) {
  if (formula == Formula::kOpenUnlearning && row.normalised_probability) {
    return row.normalised_probability;
  }
  const std::vector<double> losses = perturbed_losses(row);
  if (!row.answer.mean || losses.empty()) return row.normalised_probability;
  return normalised_probability(*row.answer.mean, losses, formula);
}

std::optional<double> row_truth_ratio(const TofuRow& row, TofuTask task,
                                      const TofuOptions& options) {
  const bool as_stored = options.false_answers == FalseAnswers::kLossMean;
  if (as_stored && options.formula == Formula::kOpenUnlearning && row.truth_ratio) {
    return row.truth_ratio;
  }
  if (has_ratio_losses(row, task)) {
    return truth_ratio(*true_loss(row, task, options.formula), perturbed_losses(row), options);
  }
  return as_stored ? row.truth_ratio : std::nullopt;
}

std::optional<double> row_knowledge(const TofuRow& row, TofuTask task) {
  if (!has_ratio_losses(row, task)) return std::nullopt;
  return knowledge(*true_loss(row, task, Formula::kOpenUnlearning), perturbed_losses(row));
}

std::optional<double> row_perturbed_rouge(const TofuRow& row) {
  std::vector<double> recalls;
  for (const AnswerRouge& rouge : row.perturbed_rouge) recalls.push_back(rouge.rouge_l_recall);
  return mean(recalls);
}

std::optional<double> row_perturbed_probability(const TofuRow& row, Formula formula) {
  std::vector<double> values;
  for (const AnswerLoss& answer : row.perturbed) {
    const std::optional<double> p = row_probability(answer, formula);
    if (!p) return std::nullopt;
    values.push_back(*p);
  }
  return mean(values);
}

TaskAggregates aggregate_task(const std::vector<TofuRow>& rows, TofuTask task,
                              const TofuOptions& options) {
  const bool world = task == TofuTask::kRealAuthors || task == TofuTask::kRealWorld;
  TaskAggregates result;
  result.rouge = mean(present(rows, [](const TofuRow& row) { return row.rouge_l_recall; }));
  result.probability = mean(present(rows, [&](const TofuRow& row) {
    return world ? row_normalised(row, options.formula)
                 : row_probability(row.answer, options.formula);
  }));
  const std::vector<double> ratios =
      present(rows, [&](const TofuRow& row) { return row_truth_ratio(row, task, options); });
  result.truth_ratio = mean_truth_ratio(ratios, task, options.formula);
  return result;
}

}  // namespace unlearn::benchmarks::tofu
