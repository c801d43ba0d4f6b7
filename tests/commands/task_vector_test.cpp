// unlearn task-vector against the formula, tensor by tensor.
#include <gtest/gtest.h>

#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/commands/program.h"
#include "unlearn/core/files.h"

namespace unlearn::commands {
namespace {
namespace fs = std::filesystem;

TEST(TaskVector, SubtractsTheDifference) {
  const fs::path work = fs::path(testing::TempDir()) / "unlearn_task_vector";
  fs::remove_all(work);
  torch::manual_seed(9);
  const torch::Tensor base = torch::randn({3, 5});
  const torch::Tensor tuned = base + 0.1 * torch::randn({3, 5});
  const torch::Tensor counter = torch::arange(4);
  for (const char* name : {"base", "tuned"}) {
    fs::create_directories(work / name);
    write_file_atomic(work / name / "config.json", R"({"model_type": "llama"})");
    const bool is_base = std::string(name) == "base";
    checkpoint::write_safetensors(work / name / "model.safetensors",
                                  {{"layer.weight", is_base ? base : tuned},
                                   {"layer.steps", is_base ? counter : counter + 1}});
  }
  ASSERT_EQ(run_program({"task-vector", "--model", work / "base", "--finetuned", work / "tuned",
                         "--alpha", "5", "--output", work / "new", "--quiet"}),
            0);
  const checkpoint::TensorStore result(work / "new");
  EXPECT_TRUE(torch::equal(result.view("layer.weight"), base - 5.0 * (tuned - base)));
  EXPECT_TRUE(torch::equal(result.view("layer.steps"), counter));
  fs::remove_all(work);
}

}  // namespace
}  // namespace unlearn::commands
