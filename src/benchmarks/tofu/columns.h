#pragma once

#include <optional>
#include <vector>

#include "benchmarks/tofu/formulas.h"

namespace unlearn::benchmarks::tofu {

// One row's value of a metric; none when the row lacks what it needs.
std::optional<double> row_probability(const AnswerLoss& answer, Formula formula);
std::optional<double> row_normalised(const TofuRow& row, Formula formula);
std::optional<double> row_truth_ratio(const TofuRow& row, TofuTask task,
                                      const TofuOptions& options);
std::optional<double> row_knowledge(const TofuRow& row, TofuTask task);
// The mean over a row's perturbed answers.
std::optional<double> row_perturbed_probability(const TofuRow& row, Formula formula);

// Of ROUGE-L recall over the perturbed answers.
std::optional<double> row_perturbed_rouge(const TofuRow& row);

// True when the truth ratio can be computed from the row's losses.
bool has_ratio_losses(const TofuRow& row, TofuTask task);

// The values of `value_of(row)` over the rows that have one.
template <class F>
std::vector<double> present(const std::vector<TofuRow>& rows, const F& value_of) {
  std::vector<double> values;
  for (const TofuRow& row : rows) {
    if (const std::optional<double> value = value_of(row)) values.push_back(*value);
  }
  return values;
}

std::optional<double> mean(const std::vector<double>& values);
bool has_nan(const std::vector<double>& values);

// The three aggregates that model utility is made of.
struct TaskAggregates {
  std::optional<double> rouge, probability, truth_ratio;
};
TaskAggregates aggregate_task(const std::vector<TofuRow>& rows, TofuTask task,
                              const TofuOptions& options);

}  // namespace unlearn::benchmarks::tofu
