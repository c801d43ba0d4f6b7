#include "unlearn/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "unlearn/core/error.h"

namespace unlearn::train {

StepPlan plan_steps(const TrainConfig& config, int64_t rows) {
  StepPlan plan;
  const double stream = config.epochs * static_cast<double>(rows);
  // The product is exact for whole epochs; the tiny slack keeps 0.1 · 10 rows at 1 row.
  plan.total = static_cast<int64_t>(stream / static_cast<double>(config.batch_size) + 1e-9);
  if (config.max_steps) plan.total = std::min(plan.total, *config.max_steps);
  if (plan.total < 1) {
    user_error("train: ", number(config.epochs), " epochs of ", rows,
               " rows hold no full batch of ", config.batch_size,
               "; lower train.batch_size or raise train.epochs");
  }
  plan.per_epoch = std::max<int64_t>(1, rows / config.batch_size);
  if (config.warmup_steps) {
    plan.warmup = *config.warmup_steps;
  } else {
    plan.warmup = static_cast<int64_t>(
        config.warmup_epochs.value_or(0) * static_cast<double>(plan.per_epoch) + 1e-9);
  }
  return plan;
}

double learning_rate(const TrainConfig& config, const StepPlan& plan, int64_t step) {
  const auto k = static_cast<double>(step);
  const auto warmup = static_cast<double>(plan.warmup);
  if (step < plan.warmup) return config.lr * k / std::max(1.0, warmup);
  if (config.schedule == "constant") return config.lr;
  const double span = std::max(1.0, static_cast<double>(plan.total) - warmup);
  const double progress = std::min(1.0, (k - warmup) / span);
  if (config.schedule == "linear") return config.lr * (1.0 - progress);
  return config.lr * 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
}

void check_rates(const TrainConfig& config, const StepPlan& plan) {
  if (config.lr == 0) user_error("train.lr: with a learning rate of 0 nothing is learned");
  for (int64_t step = 0; step < plan.total; ++step) {
    if (learning_rate(config, plan, step) > 0) return;
  }
  user_error(
      "train: the run has ", plan.total, plan.total == 1 ? " step" : " steps",
      ", at a learning rate of 0, where the warm-up begins: nothing would be learned; lower ",
      "train.batch_size (", config.batch_size, "), raise train.epochs, or set ",
      config.warmup_steps ? "train.warmup_steps" : "train.warmup_epochs", " to 0");
}

}  // namespace unlearn::train
