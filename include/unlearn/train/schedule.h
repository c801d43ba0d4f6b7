// Learning-rate schedules, as the Hugging Face Trainer steps them.
#pragma once

#include <cstdint>

#include "unlearn/train/train_config.h"

namespace unlearn::train {

// How many optimizer steps a run has: the forget rows form one continuous stream over epochs.
struct StepPlan {
  int64_t total = 0;      // floor(epochs * rows / batch_size), capped by max_steps
  int64_t per_epoch = 0;  // floor(rows / batch_size), at least 1
  int64_t warmup = 0;
};
// UserError when there would be no step.
StepPlan plan_steps(const TrainConfig& config, int64_t rows);

// Learning rate of a step counted from 0. With a warm-up of W steps the first step's rate is 0:
// lr·k/W for k < W, then linear to 0 at `total`, half a cosine, or constant.
double learning_rate(const TrainConfig& config, const StepPlan& plan, int64_t step);

// UserError when no step of the run has a rate above 0, so that it could not change the model.
void check_rates(const TrainConfig& config, const StepPlan& plan);

}  // namespace unlearn::train
