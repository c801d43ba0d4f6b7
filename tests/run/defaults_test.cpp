// Which of a user's settings and a method's defaults wins.
#include <gtest/gtest.h>

#include "test_folder.h"
#include "unlearn/run/prepare.h"

namespace unlearn::run {
namespace {

using config::Settings;

const std::string kTests = UNLEARN_TEST_DIR;

// Settings of a WMDP run over four rows, batch 4: those of a file below `more` ("key=value").
Settings given(const std::vector<std::string>& more, Settings settings = {}) {
  settings.begin_layer();
  settings.set("model.path", kTests + "/golden/commands/model", "test");
  settings.set("data.root", kTests + "/data_fixtures/wmdp", "test");
  settings.set("data.benchmark", "wmdp", "test");
  settings.set("data.forget", "bio", "test");
  settings.set("output", "none", "test");
  for (const std::string& assignment : more) settings.assign(assignment, "test");
  return settings;
}

train::StepPlan planned_steps(const Settings& settings) {
  const RunConfig config = resolve_run(settings, Purpose::kUnlearn);
  return prepare(config, torch::kCPU).plan;
}

TEST(Defaults, AUsersWarmUpBeatsTheMethodsInEitherUnit) {
  const auto warm_up = [](std::vector<std::string> more) {
    more.insert(more.end(), {"train.max_steps=125", "train.epochs=1000"});
    return planned_steps(given(more)).warmup;
  };
  EXPECT_EQ(warm_up({}), 12);  // WMDP's: a tenth of the steps
  EXPECT_EQ(warm_up({"train.warmup_epochs=3"}), 3);
  EXPECT_EQ(warm_up({"train.warmup_epochs=0"}), 0);
  EXPECT_EQ(warm_up({"train.warmup_steps=7"}), 7);
  // Set together, steps are the more exact.
  EXPECT_EQ(warm_up({"train.warmup_steps=7", "train.warmup_epochs=3"}), 7);
}

TEST(Defaults, AUsersEpochsAreNotCutByAMethodsSteps) {
  const auto steps = [](const std::vector<std::string>& more) {
    const train::StepPlan plan = planned_steps(given(more));
    return std::pair(plan.total, plan.per_epoch);
  };
  EXPECT_EQ(steps({"train.epochs=300"}), std::pair(int64_t{300}, int64_t{1}));
  EXPECT_EQ(steps({"train.epochs=300", "train.max_steps=40"}), std::pair(int64_t{40}, int64_t{1}));
}

// A file's warm-up in steps gives way to the command line's in epochs, and a parent's to a child's.
TEST(Defaults, LaterLayersOfWarmUp) {
  const TestFolder folder;
  const auto parent =
      folder.write("parent.yaml", "train: {warmup_steps: 9, max_steps: 60, epochs: 500}\n");
  const auto child =
      folder.write("child.yaml", "extends: parent.yaml\ntrain: {warmup_epochs: 5}\n");
  const auto plan = [](const std::filesystem::path& file, const std::vector<std::string>& more) {
    return planned_steps(given(more, Settings::from_file(file)));
  };
  EXPECT_EQ(plan(parent, {}).total, 60);
  EXPECT_EQ(plan(parent, {}).warmup, 9);
  EXPECT_EQ(plan(parent, {"train.warmup_epochs=2"}).warmup, 2);
  EXPECT_EQ(plan(child, {}).warmup, 5);
  // A file's own limit on steps stays one.
  EXPECT_EQ(plan(parent, {"train.epochs=100"}).total, 60);
}

// gamma and delta are two forms of SimNPO's margin; with neither, the paper's is 0.
TEST(Defaults, TheMarginIsZeroInThePapersForm) {
  const auto margin = [](const std::vector<std::string>& more) {
    const Json method = resolve_run(given(more), Purpose::kUnlearn).resolved().at("method");
    return std::pair(method.at("gamma"), method.at("delta"));
  };
  EXPECT_EQ(margin({}), std::pair(Json(0.0), Json("auto")));
  EXPECT_EQ(margin({"method.gamma=auto"}), std::pair(Json(0.0), Json("auto")));
  EXPECT_EQ(margin({"method.delta=0.2"}), std::pair(Json("auto"), Json(0.2)));
  EXPECT_EQ(margin({"method.gamma=0.5"}), std::pair(Json(0.5), Json("auto")));
}

}  // namespace
}  // namespace unlearn::run
