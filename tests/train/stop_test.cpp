// A hook that ends the training, on one process or on several.
#include <gtest/gtest.h>

#include <future>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include "test_folder.h"
#include "train/tiny_run.h"

namespace unlearn::train {
namespace {

// What one process has after a run of 10 steps whose process `stopper` stops after step 2.
struct Stopped {
  int64_t step = 0;
  std::vector<int64_t> checkpoints;
};

Stopped train_until_stopped(const distributed::Group& group, int64_t stopper,
                            const std::string& save_every, const std::filesystem::path& path) {
  const Json examples = read_json(kGolden / "examples.json");
  const auto forget = read_examples(examples.at("forget"), "forget");
  const auto retain = read_examples(examples.at("retain"), "retain");
  const auto model = model::load_model(kGolden / "model", torch::kFloat32, torch::kCPU);
  const auto loss = make_loss("simnpo", Json::object());
  TrainConfig config;
  config.epochs = 1e5;
  config.max_steps = 10;
  config.batch_size = 4;
  config.save_every = save_every;
  RunFolder folder(path / std::to_string(group.rank()), ExistingOutput::kRefuse);
  Trainer trainer({.model = model.get(),
                   .loss = loss.get(),
                   .data = {&forget, &retain, nullptr},
                   .config = config,
                   .group = &group},
                  folder, {.after_step = [&](int64_t step) {
                    const bool stops = group.rank() == stopper && step == 2;
                    return stops ? AfterStep::kStop : AfterStep::kContinue;
                  }});
  trainer.run();
  return {trainer.step(), folder.complete_checkpoints()};
}

TEST(StopTest, EndsLikeTheLastStep) {
  const TestFolder folder;
  const auto saved = train_until_stopped(distributed::alone(), 0, "3", folder.path() / "saved");
  EXPECT_EQ(saved.step, 2);
  EXPECT_EQ(saved.checkpoints, std::vector<int64_t>{2});
  const auto unsaved = train_until_stopped(distributed::alone(), 0, "never", folder.path() / "not");
  EXPECT_EQ(unsaved.step, 2);
  EXPECT_TRUE(unsaved.checkpoints.empty());
}

TEST(StopTest, OneProcessStopsAll) {
  const TestFolder folder;
  const auto store = c10::make_intrusive<c10d::HashStore>();
  std::vector<std::future<Stopped>> running;
  for (int64_t rank = 0; rank < 2; ++rank) {
    running.push_back(std::async(std::launch::async, [&, rank] {
      const distributed::Group group(store, rank, 2);
      return train_until_stopped(group, 1, "3", folder.path());
    }));
  }
  const Stopped first = running[0].get(), second = running[1].get();
  EXPECT_EQ(first.step, 2);
  EXPECT_EQ(second.step, 2);
  EXPECT_EQ(first.checkpoints, std::vector<int64_t>{2});
}

}  // namespace
}  // namespace unlearn::train
