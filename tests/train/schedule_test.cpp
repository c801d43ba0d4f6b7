#include "unlearn/train/schedule.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/json.h"

namespace unlearn::train {
namespace {

// transformers.get_linear_schedule_with_warmup, lr 1e-5, T = 62, W = 6.
TEST(GoldenSchedule, LinearWithWarmup) {
  TrainConfig config;
  const StepPlan plan{62, 6, 6};
  EXPECT_DOUBLE_EQ(learning_rate(config, plan, 0), 0.0);
  EXPECT_NEAR(learning_rate(config, plan, 1), 1.6666666667e-06, 1e-15);
  EXPECT_DOUBLE_EQ(learning_rate(config, plan, 6), 1e-5);
  EXPECT_NEAR(learning_rate(config, plan, 34), 5e-6, 1e-15);
  EXPECT_NEAR(learning_rate(config, plan, 61), 1.7857142857e-07, 1e-15);
}

// Step counts of the TOFU recipe: forget01/05/10 at batch 32 over 10 epochs.
TEST(GoldenSchedule, StepCounts) {
  TrainConfig config;
  const std::vector<std::array<int64_t, 3>> rows_total_warmup = {
      {40, 12, 1}, {200, 62, 6}, {400, 125, 12}};
  for (const auto& [rows, total, warmup] : rows_total_warmup) {
    const StepPlan plan = plan_steps(config, rows);
    EXPECT_EQ(plan.total, total);
    EXPECT_EQ(plan.warmup, warmup);
  }
}

// transformers 4.45.1's Trainer was run (scripts/goldens/trainer_steps.py).
TEST(GoldenSchedule, StepsOfTheTrainer) {
  const auto file =
      std::filesystem::path(UNLEARN_TEST_DIR) / "golden" / "train" / "trainer_steps.json";
  for (const Json& golden : read_json(file)) {
    TrainConfig config;
    config.step_count = StepCount::kTrainer;
    config.lr = 1.0;
    config.batch_size = golden.at("batch_size");
    config.micro_batch_size = golden.at("micro_batch_size").get<int64_t>();
    config.epochs = golden.at("epochs");
    config.warmup_epochs = golden.at("warmup_epochs").get<double>();
    config.check();
    const auto rows = golden.at("rows").get<int64_t>();
    const StepPlan plan = plan_steps(config, rows);
    const std::string where = golden.dump();
    ASSERT_EQ(plan.total, static_cast<int64_t>(golden.at("counts").size())) << where;
    EXPECT_EQ(plan.warmup, golden.at("warmup")) << where;
    for (int64_t step = 0; step < plan.total; ++step) {
      const auto at = static_cast<size_t>(step);
      EXPECT_EQ(plan.begin_of(step + 1) - plan.begin_of(step), golden["counts"][at]) << where;
      EXPECT_EQ(plan.begin_of(step) % rows, golden["first"][at]) << where;
      EXPECT_NEAR(learning_rate(config, plan, step), golden["lr"][at].get<double>(), 1e-12)
          << where;
    }
  }
}

// Without a micro-batch size the presets' counts are those of every size that divides the rows.
TEST(GoldenSchedule, StepsOfTheTrainerWithoutMicroBatches) {
  TrainConfig config;
  config.step_count = StepCount::kTrainer;
  const std::vector<std::array<int64_t, 3>> rows_total_warmup = {
      {40, 10, 1}, {200, 60, 6}, {400, 120, 12}};
  for (const auto& [rows, total, warmup] : rows_total_warmup) {
    const StepPlan plan = plan_steps(config, rows);
    EXPECT_EQ(plan.total, total);
    EXPECT_EQ(plan.warmup, warmup);
    EXPECT_EQ(plan.begin_of(total), total * 32);
  }
}

TEST(Schedule, TheTrainerAccumulatesWholeMicroBatches) {
  TrainConfig config;
  config.step_count = StepCount::kTrainer;
  config.micro_batch_size = 5;
  EXPECT_THROW(config.check(), UserError);
  config.step_count = StepCount::kStream;
  EXPECT_NO_THROW(config.check());
}

TEST(Schedule, CosineEndsNearZeroAndConstantStays) {
  TrainConfig config;
  config.lr = 1.0;
  const StepPlan plan{10, 10, 0};
  config.schedule = Schedule::kCosine;
  EXPECT_DOUBLE_EQ(learning_rate(config, plan, 0), 1.0);
  EXPECT_NEAR(learning_rate(config, plan, 5), 0.5, 1e-12);
  EXPECT_NEAR(learning_rate(config, plan, 10), 0.0, 1e-12);
  config.schedule = Schedule::kConstant;
  EXPECT_DOUBLE_EQ(learning_rate(config, plan, 9), 1.0);
}

TEST(Schedule, NoFullBatchIsAnError) {
  TrainConfig config;
  config.epochs = 1;
  EXPECT_THROW(plan_steps(config, 31), UserError);
  EXPECT_EQ(plan_steps(config, 32).total, 1);
  config.epochs = 0.1;
  config.batch_size = 1;
  EXPECT_EQ(plan_steps(config, 10).total, 1);
}

TEST(Schedule, ARunWithoutAStepAboveRateZeroIsAnError) {
  TrainConfig config;  // a warm-up of one epoch, batches of 32
  config.warmup_epochs = 1;
  EXPECT_THROW(check_rates(config, plan_steps(config, 5)), UserError);  // one step, at rate 0
  config.batch_size = 5;
  EXPECT_NO_THROW(check_rates(config, plan_steps(config, 5)));
  config.max_steps = 1;
  EXPECT_THROW(check_rates(config, plan_steps(config, 5)), UserError);
  config.schedule = Schedule::kConstant;
  EXPECT_THROW(check_rates(config, plan_steps(config, 5)), UserError);
  config.warmup_epochs = 0;
  EXPECT_NO_THROW(check_rates(config, plan_steps(config, 5)));
  config.lr = 0;
  EXPECT_THROW(check_rates(config, plan_steps(config, 5)), UserError);
}

TEST(Schedule, CheckpointInterval) {
  TrainConfig config;
  EXPECT_EQ(config.checkpoint_interval(6), 6);
  config.save_every = "never";
  EXPECT_EQ(config.checkpoint_interval(6), 0);
  config.save_every = "25";
  EXPECT_EQ(config.checkpoint_interval(6), 25);
  for (const char* wrong : {"often", "first_use:", "first_use:0", "first_use:epoch"}) {
    config.save_every = wrong;
    EXPECT_THROW(config.check(), UserError) << wrong;
  }
}

// The steps after which there is a checkpoint: 22 rows in batches of 4, three epochs, 16 steps.
std::vector<int64_t> saved_steps(const std::string& save_every) {
  TrainConfig config;
  config.epochs = 3;
  config.batch_size = 4;
  config.save_every = save_every;
  const StepPlan plan = plan_steps(config, 22);
  const SaveSteps saves(config, plan, 22);
  std::vector<int64_t> steps;
  for (int64_t step = 1; step <= plan.total; ++step) {
    if (saves.after(step)) steps.push_back(step);
  }
  return steps;
}

// Steps 1 to 6 draw rows for the first time, the sixth two of them.
TEST(Schedule, CheckpointsLieBeforeFirstUses) {
  using Steps = std::vector<int64_t>;
  EXPECT_EQ(saved_steps("first_use"), (Steps{1, 2, 3, 4, 5, 10, 15, 16}));
  EXPECT_EQ(saved_steps("first_use:100"), (Steps{1, 2, 3, 4, 5, 10, 15, 16}));
  EXPECT_EQ(saved_steps("first_use:3"), (Steps{2, 4, 10, 15, 16}));
  EXPECT_EQ(saved_steps("first_use:4"), (Steps{1, 3, 4, 10, 15, 16}));
  EXPECT_EQ(saved_steps("first_use:1"), (Steps{10, 15, 16}));
  EXPECT_EQ(saved_steps("epoch"), (Steps{5, 10, 15, 16}));
  EXPECT_EQ(saved_steps("never"), Steps{});
}

TEST(Schedule, CheckpointsKept) {
  TrainConfig config;
  EXPECT_EQ(config.checkpoints_kept(), 2);
  config.keep = "last";
  EXPECT_EQ(config.checkpoints_kept(), 1);
  config.keep = "all";
  EXPECT_GT(config.checkpoints_kept(), int64_t{1} << 40);
  for (const char* wrong : {"0", "-1", "never", "epoch", "some", "1.5"}) {
    config.keep = wrong;
    EXPECT_THROW(config.check(), UserError) << wrong;
  }
  config.keep = "best";
  EXPECT_THROW(config.check(), UserError);
  config.stop_forget = "a <= 1";
  EXPECT_NO_THROW(config.check());
}

}  // namespace
}  // namespace unlearn::train
