#include "unlearn/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "unlearn/core/error.h"

namespace unlearn::train {

namespace {

// Positions in the stream where micro-batches begin.
struct MicroBatches {
  int64_t rows = 0, size = 1;

  int64_t per_epoch() const { return (rows + size - 1) / size; }
  int64_t begin_of(int64_t index) const {
    return index / per_epoch() * rows + std::min(index % per_epoch() * size, rows);
  }
};

// Rounds up without counting the noise of a product such as 0.1 * 30.
int64_t ceil_of(double value) { return static_cast<int64_t>(std::ceil(value - 1e-9)); }

int64_t floor_of(double value) { return static_cast<int64_t>(value + 1e-9); }

void lay_out_trainer_steps(const MicroBatches& micro_batches, StepPlan& plan) {
  const int64_t per_epoch = micro_batches.per_epoch();
  const int64_t accumulation = plan.accumulation;
  int64_t done = 0;
  for (int64_t step = 0; step <= plan.total; ++step) {
    plan.begins.push_back(micro_batches.begin_of(done));
    plan.epochs.push_back(static_cast<double>(done) / static_cast<double>(per_epoch));
    const int64_t full = (done / accumulation + 1) * accumulation;
    // An epoch shorter than one accumulation ends its last step early.
    const int64_t epoch_end = (done / per_epoch + 1) * per_epoch;
    done = per_epoch <= accumulation ? std::min(full, epoch_end) : full;
  }
}

StepPlan plan_trainer_steps(const TrainConfig& config, int64_t rows) {
  const MicroBatches micro_batches{rows, config.micro_batch_size.value_or(1)};
  StepPlan plan;
  plan.batch_size = config.batch_size;
  plan.accumulation = config.batch_size / micro_batches.size;
  plan.per_epoch = std::max<int64_t>(1, micro_batches.per_epoch() / plan.accumulation);
  plan.total = ceil_of(config.epochs * static_cast<double>(plan.per_epoch));
  if (config.max_steps) plan.total = std::min(plan.total, *config.max_steps);
  plan.warmup = floor_of(config.warmup_epochs.value_or(0) * static_cast<double>(rows) /
                         static_cast<double>(config.batch_size));
  lay_out_trainer_steps(micro_batches, plan);
  return plan;
}

StepPlan plan_stream_steps(const TrainConfig& config, int64_t rows) {
  StepPlan plan;
  plan.batch_size = config.batch_size;
  const double stream = config.epochs * static_cast<double>(rows);
  // The product is exact for whole epochs; the tiny slack keeps 0.1 · 10 rows at 1 row.
  plan.total = floor_of(stream / static_cast<double>(config.batch_size));
  if (config.max_steps) plan.total = std::min(plan.total, *config.max_steps);
  if (plan.total < 1) {
    user_error("train: ", number(config.epochs), " epochs of ", rows,
               " rows hold no full batch of ", config.batch_size,
               "; lower train.batch_size or raise train.epochs");
  }
  plan.per_epoch = std::max<int64_t>(1, rows / config.batch_size);
  plan.warmup = floor_of(config.warmup_epochs.value_or(0) * static_cast<double>(plan.per_epoch));
  return plan;
}

}  // namespace

StepPlan plan_steps(const TrainConfig& config, int64_t rows) {
  StepPlan plan = config.counts_as_trainer() ? plan_trainer_steps(config, rows)
                                             : plan_stream_steps(config, rows);
  if (config.warmup_steps) plan.warmup = *config.warmup_steps;
  return plan;
}

double learning_rate(const TrainConfig& config, const StepPlan& plan, int64_t step) {
  const auto k = static_cast<double>(step);
  const auto warmup = static_cast<double>(plan.warmup);
  if (step < plan.warmup) return config.lr * k / std::max(1.0, warmup);
  if (config.schedule == Schedule::kConstant) return config.lr;
  const double span = std::max(1.0, static_cast<double>(plan.total) - warmup);
  const double progress = std::min(1.0, (k - warmup) / span);
  if (config.schedule == Schedule::kLinear) return config.lr * (1.0 - progress);
  return config.lr * 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
}

SaveSteps::SaveSteps(const TrainConfig& config, const StepPlan& plan, int64_t rows)
    : interval_(config.checkpoint_interval(plan.per_epoch)), total_(plan.total) {
  const std::optional<int64_t> blocks = config.first_use_blocks();
  if (!blocks) return;
  while (first_ < plan.total && plan.begin_of(first_) < rows) ++first_;
  blocks_ = std::min(*blocks, first_);
}

bool SaveSteps::after(int64_t step) const {
  if (!any()) return false;
  if (step < first_) {
    // The k-th block begins behind step k first_ / blocks_, rounded down.
    const int64_t k = (step * blocks_ + first_ - 1) / first_;
    return k * first_ / blocks_ == step;
  }
  return step % interval_ == 0 || step == total_;
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
