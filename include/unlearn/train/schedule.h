// Which rows each optimizer step has, and learning-rate schedules as the Hugging Face Trainer steps
// them.
#pragma once

#include <cstdint>
#include <vector>

#include "unlearn/train/train_config.h"

namespace unlearn::train {

// How many optimizer steps a run has, and where in the stream each begins: the forget rows form one
// continuous stream over epochs.
struct StepPlan {
  int64_t total = 0;      // floor(epochs * rows / batch_size), capped by max_steps
  int64_t per_epoch = 0;  // floor(rows / batch_size), at least 1
  int64_t warmup = 0;
  int64_t batch_size = 0;
  // step_count: trainer. [total + 1] first row of each step in the stream, and the epochs done as
  // its state counts them before each step; empty: every step has batch_size rows.
  std::vector<int64_t> begins = {};
  std::vector<double> epochs = {};
  // Micro-batches that a step accumulates; 0: as many as it is cut into.
  int64_t accumulation = 0;

  int64_t begin_of(int64_t step) const {
    return begins.empty() ? step * batch_size : begins.at(static_cast<size_t>(step));
  }
};
// UserError when there would be no step.
//
// step_count: trainer counts as transformers 4.45.1's Trainer, which OpenUnlearning pins: an epoch
// has M = ceil(rows / micro_batch_size) micro-batches, the last one smaller, a step accumulates A =
// batch_size / micro_batch_size of them, and there are epochs * max(1, M div A) steps. Accumulation
// goes on over the end of an epoch where M > A; otherwise a step ends there too. Without a
// micro_batch_size, one row is a micro-batch. Its warm-up is OpenUnlearning's: floor(warmup_epochs
// * rows / batch_size) steps.
StepPlan plan_steps(const TrainConfig& config, int64_t rows);

// Learning rate of a step counted from 0. With a warm-up of W steps the first step's rate is 0:
// lr·k/W for k < W, then linear to 0 at `total`, half a cosine, or constant.
double learning_rate(const TrainConfig& config, const StepPlan& plan, int64_t step);

// UserError when no step of the run has a rate above 0, so that it could not change the model.
void check_rates(const TrainConfig& config, const StepPlan& plan);

// The steps after which train.save_every wants a checkpoint.
class SaveSteps {
 public:
  // `rows` of an epoch.
  SaveSteps(const TrainConfig& config, const StepPlan& plan, int64_t rows);

  bool any() const { return interval_ > 0; }
  // After this many steps.
  bool after(int64_t step) const;

 private:
  int64_t interval_ = 0;
  int64_t total_ = 0;
  // first_use: a checkpoint lies before each of `blocks_` equal parts of the first `first_` steps,
  // those that draw rows for the first time. 0: without that.
  int64_t first_ = 0, blocks_ = 0;
};

}  // namespace unlearn::train
