// A run as a library: prepared once, trained in memory, stopped, put back, trained again.
#include "unlearn/run/train.h"

#include <gtest/gtest.h>

#include "test_folder.h"
#include "unlearn/run/check.h"
#include "unlearn/run/plan.h"
#include "unlearn/run/weights.h"

namespace unlearn::run {
namespace {

const std::string kTestFolder = UNLEARN_TEST_DIR;
constexpr int64_t kSteps = 4;

RunConfig tiny_config(const std::string& method, const std::string& output = "none") {
  config::Settings settings;
  for (const auto& [key, value] : std::vector<std::pair<std::string, Json>>{
           {"model.path", kTestFolder + "/golden/commands/model"},
           {"data.root", kTestFolder + "/data_fixtures/wmdp"},
           {"data.benchmark", "wmdp"},
           {"data.forget", "bio"},
           {"method.name", method},
           {"train.epochs", 100},
           {"train.max_steps", kSteps},
           {"train.batch_size", 2},
           {"train.lr", 1e-3},
           {"train.warmup_steps", 0},
           {"train.save_every", "never"},
           {"eval.at_end", false},
           {"output", output}}) {
    settings.set(key, value, "test");
  }
  return resolve_run(settings, Purpose::kUnlearn);
}

// The loss of every step, and the number of the last one.
struct Trained {
  std::vector<double> losses;
  int64_t last = 0;
};

Trained train_recorded(const Training& training, TrainingOptions options = {}) {
  Trained trained;
  options.hooks.on_step = [&](const train::StepRecord& record, int64_t) {
    trained.losses.push_back(record.loss);
  };
  trained.last = train(training, std::move(options));
  return trained;
}

bool is_same(const model::CausalLM& one, const model::CausalLM& other) {
  const auto others = other.named_parameters();
  for (const auto& entry : one.named_parameters()) {
    if (!entry.value().equal(others[entry.key()])) return false;
  }
  return true;
}

class TrainInMemory : public ::testing::TestWithParam<std::string> {};

TEST_P(TrainInMemory, ARestoredModelTrainsTheSameAgain) {
  RunConfig config = tiny_config(GetParam());
  PreparedRun run = prepare(config, torch::kCPU);
  check(config, run, train::ExistingOutput::kRefuse);
  settle_memory(config, run, memory_limit(config, run));
  const auto model = load_model(config, run);
  const auto untouched = load_model(config, run);
  const WeightSnapshot before(*model);
  train::RunFolder folder = train::RunFolder::in_memory();
  const Training training{config, run, *model, folder};

  const Trained first = train_recorded(training);
  EXPECT_EQ(first.last, kSteps);
  ASSERT_EQ(first.losses.size(), size_t{kSteps});
  EXPECT_FALSE(is_same(*model, *untouched));
  before.restore(*model);
  EXPECT_TRUE(is_same(*model, *untouched));
  const Trained second = train_recorded(training);
  EXPECT_EQ(second.losses, first.losses);
  EXPECT_FALSE(std::filesystem::exists("none"));
  EXPECT_FALSE(std::filesystem::exists("checkpoints"));
}

INSTANTIATE_TEST_SUITE_P(Methods, TrainInMemory, ::testing::Values("simnpo", "grad_diff"));

TEST(TrainHooks, AHookEndsTheTraining) {
  const RunConfig config = tiny_config("simnpo");
  const PreparedRun run = prepare(config, torch::kCPU);
  const auto model = load_model(config, run);
  train::RunFolder folder = train::RunFolder::in_memory();
  TrainingOptions options;
  std::vector<int64_t> ready;
  options.on_ready = [&](int64_t step) {
    ready.push_back(step);
    return train::AfterStep::kContinue;
  };
  options.hooks.after_step = [](int64_t step) {
    return step == 3 ? train::AfterStep::kStop : train::AfterStep::kContinue;
  };
  const Trained trained = train_recorded({config, run, *model, folder}, std::move(options));
  EXPECT_EQ(trained.last, 3);
  EXPECT_EQ(trained.losses.size(), 3U);
  EXPECT_EQ(ready, std::vector<int64_t>{0});
}

// Reference values belong to the key: another one never meets them.
TEST(TrainReference, IsKeyedByWhatTheCallerNames) {
  const TestFolder work;
  const RunConfig config = tiny_config("npo", (work.path() / "run").string());
  const PreparedRun run = prepare(config, torch::kCPU);
  train::RunFolder folder(config.output, train::ExistingOutput::kRefuse);
  const auto cached = [&] {
    size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "reference")) {
      files += entry.path().extension() == ".safetensors" ? 1 : 0;
    }
    return files;
  };
  const auto train_with = [&](const std::string& key) {
    const auto model = load_model(config, run);
    TrainingOptions options;
    options.reference_key = [&] { return key; };
    return train_recorded({config, run, *model, folder}, std::move(options)).losses;
  };
  const auto first = train_with("one");
  EXPECT_EQ(cached(), 1U);
  EXPECT_EQ(train_with("one"), first);
  EXPECT_EQ(cached(), 1U);
  train_with("two");
  EXPECT_EQ(cached(), 2U);
}

}  // namespace
}  // namespace unlearn::run
