// Forward and backward passes of one optimizer step.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "train/run_stream.h"

namespace unlearn::train {

// Accumulates the gradients of this process's share of a step into the parameters' .grad and
// returns the means of the whole step. `epochs` counts the passes over the forget rows done before,
// and before the micro-batches from cut.next_epoch on.
// NonFiniteError names step, term and rows when a term's sum is not finite.
struct StepMeans {
  double loss = 0;
  std::vector<std::pair<std::string, double>> terms;
  std::vector<std::pair<std::string, double>> diagnostics;
  int64_t tokens = 0;
  // Of the first step: log-probability per label token of its forget rows, before any update; absent
  // where the loss does not read it.
  std::optional<double> forget_logprob;
};
StepMeans accumulate_gradients(const TrainerInputs& inputs, const StepCut& cut, int64_t step,
                               std::pair<double, double> epochs);

// The terms' means over all of these examples, without gradient and in evaluation mode; with
// averaging: micro_batch_mean, the mean of their micro-batches' means.
std::vector<double> evaluate_terms(const TrainerInputs& inputs, const StepCut& cut);

}  // namespace unlearn::train
