// Which of a user's settings and a method's defaults wins.
#include <gtest/gtest.h>

#include "commands/program_run.h"
#include "test_folder.h"

namespace unlearn::commands {
namespace {

const std::string kTests = UNLEARN_TEST_DIR;

// The line "steps  T (E per epoch, warm-up W)" of a WMDP run's plan; four rows, batch 4.
std::string planned_steps(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"train",
                                        "--method",
                                        "simnpo",
                                        "--model",
                                        kTests + "/golden/commands/model",
                                        "--data",
                                        kTests + "/data_fixtures/wmdp",
                                        "--output",
                                        "none",
                                        "--dry-run",
                                        "--quiet",
                                        "--set",
                                        "data.benchmark=wmdp",
                                        "--set",
                                        "data.forget=bio"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const ProgramRun got = run(arguments);
  EXPECT_EQ(got.code, 0) << got.err;
  const size_t begin = got.out.find("steps ");
  return got.out.substr(begin, got.out.find('\n', begin) - begin);
}

bool says(const std::string& line, const std::string& part) {
  return line.find(part) != std::string::npos;
}

TEST(Defaults, AUsersWarmUpBeatsTheMethodsInEitherUnit) {
  const std::vector<std::string> long_run = {"--set", "train.max_steps=125", "--epochs", "1000"};
  const auto warm_up = [&](std::vector<std::string> more) {
    more.insert(more.end(), long_run.begin(), long_run.end());
    return planned_steps(more);
  };
  EXPECT_PRED2(says, warm_up({}), "warm-up 12)");  // WMDP's: a tenth of the steps
  EXPECT_PRED2(says, warm_up({"--set", "train.warmup_epochs=3"}), "warm-up 3)");
  EXPECT_PRED2(says, warm_up({"--set", "train.warmup_epochs=0"}), "warm-up 0)");
  EXPECT_PRED2(says, warm_up({"--set", "train.warmup_steps=7"}), "warm-up 7)");
  // Said together, steps are the more exact.
  EXPECT_PRED2(says, warm_up({"--set", "train.warmup_steps=7", "--set", "train.warmup_epochs=3"}),
               "warm-up 7)");
}

TEST(Defaults, AUsersEpochsAreNotCutByAMethodsSteps) {
  EXPECT_PRED2(says, planned_steps({"--epochs", "300"}), "300 (1 per epoch");
  EXPECT_PRED2(says, planned_steps({"--epochs", "300", "--set", "train.max_steps=40"}),
               " 40 (1 per epoch");
}

// A file's warm-up in steps gives way to the command line's in epochs, and a parent's to a child's.
TEST(Defaults, LaterLayersOfWarmUp) {
  const TestFolder folder;
  const std::string parent =
      folder.write("parent.yaml", "train: {warmup_steps: 9, max_steps: 60, epochs: 500}\n")
          .string();
  const std::string child =
      folder.write("child.yaml", "extends: parent.yaml\ntrain: {warmup_epochs: 5}\n").string();
  EXPECT_PRED2(says, planned_steps({"--config", parent}), " 60 (1 per epoch, warm-up 9)");
  EXPECT_PRED2(says, planned_steps({"--config", parent, "--set", "train.warmup_epochs=2"}),
               "warm-up 2)");
  EXPECT_PRED2(says, planned_steps({"--config", child}), "warm-up 5)");
  // A file's own limit on steps stays one.
  EXPECT_PRED2(says, planned_steps({"--config", parent, "--epochs", "100"}), " 60 (1 per epoch");
}

}  // namespace
}  // namespace unlearn::commands
