// Training with LoRA and dropout: a stopped run goes on to the same bits, and cutting a step into
// other micro-batches changes nothing.
#include "unlearn/model/lora.h"

#include <gtest/gtest.h>

#include "train/tiny_run.h"
#include "unlearn/checkpoint/safetensors.h"

namespace unlearn::train {
namespace {
namespace fs = std::filesystem;

std::vector<data::Example> examples_of(const std::string& name) {
  return read_examples(read_json(kGolden / "examples.json").at(name), name);
}

class LoraTraining : public ::testing::Test {
 protected:
  void SetUp() override { fs::remove_all(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  struct Result {
    std::vector<double> losses;
    std::map<std::string, torch::Tensor> weights;
  };

  // Trains until `stop` steps are done in all; continues from `resume` when it is not 0.
  Result train(const std::string& name, int64_t stop, int64_t resume = 0,
               std::optional<int64_t> batch_tokens = std::nullopt,
               const Choice& update = {.name = "plain"}) {
    const auto model = model::load_model(kGolden / "model", torch::kFloat32, torch::kCPU);
    model::add_lora(*model, {.rank = 3, .alpha = 6, .dropout = 0.3, .seed = 5});
    const auto loss = losses::find_method("simnpo").make();
    TrainConfig config;
    config.epochs = 10;
    config.batch_size = 4;
    config.lr = 1e-2;
    config.schedule = Schedule::kConstant;
    config.warmup_epochs.reset();
    config.warmup_steps = 0;
    config.max_steps = stop;
    config.save_every = "3";
    config.batch_tokens = batch_tokens;
    config.update = update;
    RunFolder folder(folder_ / name,
                     resume > 0 ? ExistingOutput::kResume : ExistingOutput::kRefuse);
    folder.update_run_json({{"status", "running"}});
    Result result;
    Trainer trainer({.model = model.get(),
                     .loss = loss.get(),
                     .data = {&forget_, &retain_, nullptr},
                     .config = config},
                    folder, {.on_step = [&](const StepRecord& record, int64_t) {
                      result.losses.push_back(record.loss);
                    }});
    if (resume > 0) trainer.resume_from(resume);
    trainer.run();
    for (const auto& entry : model->named_parameters()) {
      result.weights[entry.key()] = entry.value().detach().clone();
    }
    return result;
  }

  std::vector<data::Example> forget_ = examples_of("forget");
  std::vector<data::Example> retain_ = examples_of("retain");
  fs::path folder_ = fs::path(::testing::TempDir()) / "unlearn_lora_training";
};

TEST_F(LoraTraining, ResumedRunGivesTheSameBits) {
  const Result whole = train("whole", 6);
  train("cut", 3);
  const Result rest = train("cut", 6, 3);
  EXPECT_EQ(std::vector<double>(whole.losses.begin() + 3, whole.losses.end()), rest.losses);
  for (const auto& [name, weight] : whole.weights) {
    EXPECT_TRUE(torch::equal(weight, rest.weights.at(name))) << name;
  }
  // A checkpoint holds the adapter and its moments only.
  const checkpoint::SafetensorsFile saved(folder_ / "cut/checkpoints/step-3/model.safetensors");
  for (const auto& [name, info] : saved.tensors()) {
    EXPECT_NE(name.find(".lora_"), std::string::npos) << name;
  }
}

TEST_F(LoraTraining, OnlyTheAdapterMoves) {
  const auto base = model::load_model(kGolden / "model", torch::kFloat32, torch::kCPU);
  const Result result = train("moves", 2);
  size_t same = 0;
  for (const auto& entry : base->named_parameters()) {
    EXPECT_TRUE(torch::equal(entry.value(), result.weights.at(entry.key()))) << entry.key();
    ++same;
  }
  EXPECT_EQ(result.weights.size(), same + 2 * 7 * 2);
  for (const auto& [name, weight] : result.weights) {
    if (!name.ends_with("lora_B.weight")) continue;
    EXPECT_GT(weight.abs().max().item<double>(), 0) << name;
  }
}

// All passes of an update rule drop the same elements too.
TEST_F(LoraTraining, CuttingAStepDropsTheSameElements) {
  for (const Choice& rule :
       {Choice{"plain"}, Choice{"sam", {{"rho", 0.1}}}, Choice{"gru", {{"objective", "forget"}}}}) {
    const Result whole = train("uncut_" + rule.name, 4, 0, {}, rule);
    const Result cut = train("small_" + rule.name, 4, 0, 30, rule);
    for (size_t i = 0; i < whole.losses.size(); ++i) {
      EXPECT_NEAR(whole.losses[i], cut.losses[i], 1e-4 * std::abs(whole.losses[i]))
          << rule.name << " " << i;
    }
  }
}

TEST_F(LoraTraining, RulesResumeToTheSameBits) {
  for (const Choice& rule :
       {Choice{"sam", {{"rho", 0.1}}}, Choice{"gru", {{"objective", "forget"}}}}) {
    const Result whole = train("whole_" + rule.name, 6, 0, {}, rule);
    train("cut_" + rule.name, 3, 0, {}, rule);
    const Result rest = train("cut_" + rule.name, 6, 3, {}, rule);
    EXPECT_EQ(std::vector<double>(whole.losses.begin() + 3, whole.losses.end()), rest.losses);
    for (const auto& [name, weight] : whole.weights) {
      EXPECT_TRUE(torch::equal(weight, rest.weights.at(name))) << rule.name << " " << name;
    }
  }
}

}  // namespace
}  // namespace unlearn::train
