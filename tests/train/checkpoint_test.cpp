// When checkpoints are written, and that they hold the moment they were asked for.
#include "unlearn/train/checkpoint.h"

#include <gtest/gtest.h>

#include "test_folder.h"
#include "train/started_optimizer.h"
#include "unlearn/core/error.h"
#include "unlearn/core/manifest.h"

namespace unlearn::train {
namespace {
namespace fs = std::filesystem;

class CheckpointTest : public ::testing::TestWithParam<CheckpointWrites> {
 protected:
  void SetUp() override {
    torch::manual_seed(4);
    parameters_ = {{"w", torch::randn({300, 7}).set_requires_grad(true)}};
    optimizer_ = start_default_optimizer(parameters_, {}, [](const std::string&) { return true; });
    kept_ = {{.name = "kept.w",
              .parameter = 0,
              .sizes = {300, 7},
              .dtype = torch::kFloat,
              .own = torch::randn({300, 7})}};
    step();
  }
  void step() {
    torch::Tensor w = parameters_.front().second;
    w.mutable_grad() = torch::randn(w.sizes());
    optimizer_->step(1e-2, 1.0);
  }

  TestFolder folder_;
  NamedTensors parameters_;
  TrainedState trained() const { return {*optimizer_, kept_}; }

  std::unique_ptr<Optimizer> optimizer_;
  std::vector<StatePart> kept_;  // by an update rule
};

TEST_P(CheckpointTest, HoldsTheMoment) {
  const torch::Tensor at_the_time = parameters_.front().second.detach().clone();
  const torch::Tensor moment = optimizer_->state().front().own.clone();
  bool told = false;
  CheckpointWriter writer(GetParam());
  writer.write(folder_.path() / "1", trained(), {.step = 1}, distributed::alone(),
               [&] { told = true; });
  const torch::Tensor kept = kept_.front().own.clone();
  kept_.front().own.zero_();
  step();
  step();
  writer.wait();
  EXPECT_TRUE(told);
  EXPECT_TRUE(fs::exists(folder_.path() / "1/DONE"));
  EXPECT_FALSE(parameters_.front().second.detach().equal(at_the_time));
  const TrainingState state = read_checkpoint({folder_.path() / "1", Json::object()}, trained());
  EXPECT_EQ(state.step, 1);
  EXPECT_TRUE(parameters_.front().second.detach().equal(at_the_time));
  EXPECT_TRUE(optimizer_->state().front().own.equal(moment));
  EXPECT_TRUE(kept_.front().own.equal(kept));
}

TEST_P(CheckpointTest, ListsItsFilesAndReplacesAnOlderOne) {
  const fs::path folder = folder_.path() / "step-1";
  for (int i = 0; i < 2; ++i) {
    CheckpointWriter writer(GetParam());
    writer.write(folder, trained(), {.step = 1}, distributed::alone());
    writer.wait();
    step();
  }
  const auto manifest = Manifest::read(folder);
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->names(),
            (std::vector<std::string>{"model.safetensors", "optimizer.safetensors",
                                      "update.safetensors", "state.json", "DONE"}));
  EXPECT_EQ(manifest->first_damage(folder), "");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 1);
}

TEST_P(CheckpointTest, NothingThatIsNotFiniteIsSaved) {
  const torch::NoGradGuard no_grad;
  parameters_.front().second[7][3] = std::numeric_limits<float>::infinity();
  CheckpointWriter writer(GetParam());
  const auto write = [&] {
    writer.write(folder_.path() / "step-1", trained(), {.step = 1}, distributed::alone());
    writer.wait();
  };
  EXPECT_THROW(write(), NonFiniteError);
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_P(CheckpointTest, FailuresAreThrown) {
  write_file_atomic(folder_.path() / "file", "no folder");
  CheckpointWriter writer(GetParam());
  EXPECT_ANY_THROW({
    writer.write(folder_.path() / "file/1", trained(), {.step = 1}, distributed::alone());
    writer.wait();
  });
}

INSTANTIATE_TEST_SUITE_P(Writes, CheckpointTest,
                         ::testing::Values(CheckpointWrites::kAuto, CheckpointWrites::kAtOnce,
                                           CheckpointWrites::kBackground));

}  // namespace
}  // namespace unlearn::train
