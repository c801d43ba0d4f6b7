// -(2/beta) log sigmoid(-beta M - margin) of a mean M over all tokens of a batch: the form that
// Unlearn-Simple's WMDP code gives NPO and SimNPO (train.compat: wmdp_batch_mean).
#pragma once

#include <optional>

#include "losses/methods.h"

namespace unlearn::losses {

struct BatchMean {
  double beta = 0.0;
  double margin = 0.0;
  // M over the whole step; unset: the mean of the values at hand.
  std::optional<double> step_mean = std::nullopt;
};

// The value times the number of tokens, so that divided by the step's tokens the sums over
// micro-batches give the step's value and gradient. `values` [N]: log p, or log p - log p_ref.
torch::Tensor batch_mean_sum(const torch::Tensor& values, const BatchMean& form);

Quirk batch_mean_quirk(bool* on);

// The mean as a statistic of the step.
Statistic batch_mean_statistic(const torch::Tensor& values);

}  // namespace unlearn::losses
