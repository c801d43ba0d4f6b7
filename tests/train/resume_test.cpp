// From which checkpoint a run goes on when some are damaged.
#include "unlearn/train/resume.h"

#include <gtest/gtest.h>

#include <fstream>

#include "test_folder.h"
#include "train/started_optimizer.h"
#include "unlearn/core/log.h"
#include "unlearn/train/checkpoint.h"

namespace unlearn::train {
namespace {
namespace fs = std::filesystem;

// A run of three steps with a checkpoint after each.
class ResumeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    log::set_level(log::Level::kOff);
    run_.emplace(folder_.path() / "run", ExistingOutput::kRefuse);
    NamedTensors parameters = {{"w", torch::ones({40}).set_requires_grad(true)}};
    const auto optimizer =
        start_default_optimizer(parameters, {}, [](const std::string&) { return true; });
    CheckpointWriter writer;
    for (int64_t step = 1; step <= 3; ++step) {
      run_->append_metrics({{"step", step}, {"loss", 0.5}});
      writer.write(run_->checkpoint(step), {*optimizer, {}},
                   {.step = step, .metrics = run_->mark_metrics()}, distributed::alone());
      writer.wait();
    }
  }
  void TearDown() override { log::set_level(log::Level::kInfo); }

  fs::path file(int64_t step, const char* name) const { return run_->checkpoint(step) / name; }
  static void overwrite(const fs::path& path, const std::string& content) {
    std::ofstream(path, std::ios::trunc | std::ios::binary) << content;
  }
  // Changes one byte in the middle and keeps size and time.
  static void flip(const fs::path& path) {
    const auto time = fs::last_write_time(path);
    std::string content = read_file(path);
    content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 1);
    overwrite(path, content);
    fs::last_write_time(path, time);
  }

  const TestFolder folder_;
  std::optional<RunFolder> run_;
};

TEST_F(ResumeTest, TheNewestWholeOneIsTaken) {
  EXPECT_EQ(newest_whole_checkpoint(*run_), 3);
  flip(file(3, "model.safetensors"));
  EXPECT_EQ(newest_whole_checkpoint(*run_), 2);
  fs::remove(file(2, "optimizer.safetensors"));
  EXPECT_EQ(newest_whole_checkpoint(*run_), 1);
  flip(file(1, "optimizer.safetensors"));
  const std::string message = refusal([&] { newest_whole_checkpoint(*run_); });
  EXPECT_NE(message.find("step-3: not whole: model.safetensors is not what was written"),
            std::string::npos)
      << message;
}

TEST_F(ResumeTest, StatesAreChecked) {
  for (const char* change : {R"("step": 1000000000)", R"("stream_position": 0)"}) {
    std::string state = read_file(file(3, "state.json"));
    const std::string key = std::string(change).substr(0, std::string(change).find(':'));
    const size_t begin = state.find(key);
    state.replace(begin, state.find(',', begin) - begin, change);
    overwrite(file(3, "state.json"), state);
    EXPECT_EQ(newest_whole_checkpoint(*run_), 2) << change;
  }
  overwrite(file(2, "state.json"), "");
  EXPECT_EQ(newest_whole_checkpoint(*run_), 1);
}

TEST_F(ResumeTest, TheListItselfIsChecked) {
  overwrite(file(3, Manifest::kName), "{");
  EXPECT_EQ(newest_whole_checkpoint(*run_), 2);
  // Of an earlier version: none. Its state must at least be that of its step.
  fs::remove(file(3, Manifest::kName));
  EXPECT_EQ(newest_whole_checkpoint(*run_), 3);
  std::string state = read_file(file(3, "state.json"));
  state.replace(state.find("\"step\": 3"), 9, "\"step\": 9");
  overwrite(file(3, "state.json"), state);
  EXPECT_EQ(newest_whole_checkpoint(*run_), 2);
}

TEST_F(ResumeTest, TheLinesOfTheStepsMustBeThere) {
  const fs::path metrics = run_->path() / "metrics.jsonl";
  const std::string whole = read_file(metrics);
  const std::vector<std::string> lines = split(whole, '\n');
  const auto take = [&](const std::string& content) {
    overwrite(metrics, content);
    return newest_whole_checkpoint(*run_);
  };
  EXPECT_EQ(take(whole + "{\"step\": 4, \"lo"), 3);  // a line that a kill cut short
  EXPECT_EQ(take(lines[0] + "\n" + lines[1] + "\n"), 2);
  EXPECT_EQ(take(lines[0] + "\n" + lines[1]), 1);  // half a line
  EXPECT_EQ(take(lines[0] + "\n{\"step\": \"two\"}\n" + lines[2] + "\n"), 1);
  EXPECT_EQ(take(lines[0] + "\n[]\n" + lines[2] + "\n"), 1);
  std::string flipped = whole;
  flipped[whole.rfind("0.5")] = '9';
  EXPECT_EQ(take(flipped), 2);
  EXPECT_NE(refusal([&] { take(""); }).find("metrics.jsonl"), std::string::npos);
  fs::remove(metrics);
  EXPECT_NE(refusal([&] { newest_whole_checkpoint(*run_); }).find("metrics.jsonl is missing"),
            std::string::npos);
}

TEST_F(ResumeTest, NoCheckpointIsNoDamage) {
  fs::remove_all(run_->checkpoints());
  EXPECT_EQ(newest_whole_checkpoint(*run_), std::nullopt);
}

// Pruning takes what manifests list, and nothing through links.
TEST_F(ResumeTest, PruningKnowsItsOwn) {
  overwrite(run_->checkpoints() / "notes", "mine");
  fs::create_directories(run_->checkpoints() / "best");
  fs::create_directories(run_->checkpoints() / "step-0");
  overwrite(file(1, "notes"), "mine");
  run_->prune_checkpoints(1);
  EXPECT_EQ(run_->complete_checkpoints(), std::vector<int64_t>{3});
  EXPECT_TRUE(fs::exists(file(1, "notes")));
  for (const char* name : {"notes", "best", "step-0"}) {
    EXPECT_TRUE(fs::exists(run_->checkpoints() / name)) << name;
  }
  EXPECT_FALSE(fs::exists(run_->checkpoint(2)));
}

TEST_F(ResumeTest, PruningSparesAStep) {
  run_->prune_checkpoints(1, {1});
  EXPECT_EQ(run_->complete_checkpoints(), (std::vector<int64_t>{3, 1}));
}

TEST_F(ResumeTest, ACheckpointBeforeAStep) {
  EXPECT_EQ(whole_checkpoint_before(*run_, 2), 2);
  EXPECT_EQ(whole_checkpoint_before(*run_, 0), std::nullopt);
  overwrite(file(2, "model.safetensors"), "damaged");
  EXPECT_EQ(whole_checkpoint_before(*run_, 2), 1);
}

}  // namespace
}  // namespace unlearn::train
