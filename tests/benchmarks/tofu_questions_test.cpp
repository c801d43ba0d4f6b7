#include <gtest/gtest.h>

#include "benchmarks/tofu/questions.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn::benchmarks::tofu {
namespace {
namespace fs = std::filesystem;

TEST(TofuData, BundledTasksAreComplete) {
  const auto tasks = load_tofu_tasks(fs::path(UNLEARN_SOURCE_DIR) / "data/fiction", "forget05", 0);
  ASSERT_EQ(tasks.size(), 4U);
  EXPECT_EQ(tasks[3].split, TofuSplit::kForget);
  EXPECT_EQ(tasks[3].rows.size(), 10U);
  EXPECT_EQ(tasks[3].rows[0].perturbed_answers.size(), 5U);
  EXPECT_FALSE(tasks[3].rows[0].paraphrased_answer.empty());
  EXPECT_EQ(tasks[1].rows[0].perturbed_answers.size(), 3U);
}

// Row counts of the published data set.
TEST(TofuData, PublishedFilesLoad) {
  const fs::path root = fs::path(UNLEARN_SHARED_DIR) / "tofu";
  if (!fs::exists(root)) GTEST_SKIP() << root << " does not exist";
  const std::pair<const char*, size_t> splits[] = {
      {"forget01", 40}, {"forget05", 200}, {"forget10", 400}};
  for (const auto& [split, rows] : splits) {
    const auto tasks = load_tofu_tasks(root, split, 0);
    ASSERT_EQ(tasks.size(), 4U);
    EXPECT_EQ(tasks[0].rows.size(), 400U);
    EXPECT_EQ(tasks[1].rows.size(), 100U);
    EXPECT_EQ(tasks[2].rows.size(), 117U);
    EXPECT_EQ(tasks[3].rows.size(), rows);
  }
  EXPECT_EQ(load_tofu_tasks(root, "forget10", 300)[3].rows.size(), 300U);
}

TEST(TofuData, BadRowsAreNamed) {
  const fs::path folder = fs::path(::testing::TempDir()) / "unlearn_tofu_data_test";
  fs::remove_all(folder);
  fs::create_directories(folder);
  const std::pair<const char*, const char*> cases[] = {
      {R"({"question":"q","perturbed_answer":["x"]})", "no field 'answer'"},
      {R"({"question":"q","answer":"a"})", "list of false answers"},
      {R"({"question":"q","answer":"a","perturbed_answer":[]})", "list of false answers"},
      {R"({"question":"q","answer":"a","perturbed_answer":["x",""]})", "non-empty texts"},
      {R"([1])", "no field 'question'"}};
  for (const auto& [row, expected] : cases) {
    write_file_atomic(folder / "forget01_perturbed.json", row);
    try {
      read_perturbed_rows(folder / "forget01_perturbed.json", false);
      FAIL() << row;
    } catch (const UserError& error) {
      EXPECT_NE(std::string(error.what()).find(expected), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("row 0"), std::string::npos);
    }
  }
  EXPECT_THROW(load_tofu_tasks(folder, "forget99", 0), UserError);
}

}  // namespace
}  // namespace unlearn::benchmarks::tofu
