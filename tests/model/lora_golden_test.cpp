// LoRA against PEFT: log-probabilities, gradients, files.
#include <gtest/gtest.h>

#include <cmath>

#include "model/lora_fixture.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/model/lora.h"

namespace unlearn::model {
namespace {
namespace fs = std::filesystem;

// One of scripts/goldens/lora.py's adapters.
struct Adapter {
  std::string variant;
  LoraOptions options;
};

std::ostream& operator<<(std::ostream& out, const Adapter& adapter) {
  return out << adapter.variant;
}

class GoldenLora : public ::testing::TestWithParam<Adapter> {
 protected:
  void SetUp() override {
    const std::string& variant = GetParam().variant;
    golden_ = std::make_unique<checkpoint::SafetensorsFile>(adapter_folder(variant) /
                                                            "golden.safetensors");
    scratch_ = fs::path(::testing::TempDir()) / ("unlearn_lora_" + variant);
    fs::remove_all(scratch_);
  }
  void TearDown() override { fs::remove_all(scratch_); }

  std::unique_ptr<checkpoint::SafetensorsFile> golden_;
  fs::path scratch_;
};

TEST_P(GoldenLora, LogProbsAndGradientsAreThoseOfPeft) {
  const auto& [variant, options] = GetParam();
  const auto model = load(variant, torch::kFloat64);
  add_lora(*model, options);
  copy_adapter(*model, adapter_folder(variant));
  const torch::Tensor logp = log_probs(*model, variant);
  EXPECT_LT(largest(logp - golden_->view("log_probs")), 1e-5);
  (-logp.mean()).backward();
  size_t trained = 0;
  for (const auto& entry : model->named_parameters()) {
    if (!entry.value().requires_grad()) {
      EXPECT_FALSE(entry.value().grad().defined()) << entry.key();
      continue;
    }
    const torch::Tensor expected = golden_->view("grad." + entry.key());
    EXPECT_LT((entry.value().grad() - expected).norm().item<double>(),
              1e-5 * expected.norm().item<double>() + 1e-8)
        << entry.key();
    ++trained;
  }
  EXPECT_EQ(trained + 3, golden_->tensors().size());  // and three sets of log-probabilities
}

TEST_P(GoldenLora, MergingWhatPeftWroteGivesItsLogProbs) {
  const std::string& variant = GetParam().variant;
  const auto model = load(variant);
  merge_adapter(*model, adapter_folder(variant));
  EXPECT_LT(largest(log_probs(*model, variant) - golden_->view("log_probs")), 1e-4);
}

TEST_P(GoldenLora, PuttingWhatPeftWroteBesideGivesItsLogProbs) {
  const std::string& variant = GetParam().variant;
  const auto model = load(variant);
  attach_adapter(*model, adapter_folder(variant));
  EXPECT_LT(largest(log_probs(*model, variant) - golden_->view("log_probs")), 1e-4);
  size_t trainable = 0;
  for (const auto& entry : model->named_parameters()) {
    if (!entry.value().requires_grad()) continue;
    EXPECT_NE(entry.key().find(".lora_"), std::string::npos) << entry.key();
    ++trainable;
  }
  EXPECT_EQ(trainable + 3, golden_->tensors().size());
}

TEST_P(GoldenLora, WrittenAdapterIsReadBackAndMerged) {
  const auto& [variant, options] = GetParam();
  const auto model = load(variant);
  add_lora(*model, options);
  copy_adapter(*model, adapter_folder(variant));
  write_adapter(*model, options, "tiny", scratch_);
  const auto other = load(variant);
  merge_adapter(*other, scratch_);
  merge_lora(*model);
  const auto parameters = model->named_parameters();
  ASSERT_EQ(parameters.size(), other->named_parameters().size());
  for (const auto& entry : other->named_parameters()) {
    EXPECT_TRUE(parameters[entry.key()].requires_grad());
    EXPECT_TRUE(torch::equal(parameters[entry.key()], entry.value())) << entry.key();
  }
  EXPECT_LT(largest(log_probs(*model, variant) - golden_->view("log_probs")), 1e-4);
}

TEST_P(GoldenLora, PackedBaseIsWhatPythonDequantises) {
  const std::string& variant = GetParam().variant;
  for (const int64_t bits : {8, 4}) {
    const auto model = load(variant, torch::kFloat32, bits);
    const torch::NoGradGuard no_grad;
    const torch::Tensor expected = golden_->view("log_probs." + std::to_string(bits));
    EXPECT_LT(largest(log_probs(*model, variant) - expected), 1e-4) << bits;
    EXPECT_GT(largest(expected - Golden(variant).log_probs), 1e-3) << "the formats must matter";
  }
}

// alpha / sqrt(rank) is written as the alpha that gives the same scale.
const Adapter kAdapters[] = {
    {"llama", {.rank = 3, .alpha = 8, .targets = "all-linear"}},
    {"phi", {.rank = 2, .alpha = 5 * std::sqrt(2.0), .targets = "q_proj,v_proj,fc2"}}};
INSTANTIATE_TEST_SUITE_P(Variants, GoldenLora, ::testing::ValuesIn(kAdapters));

TEST(GoldenLoraFolder, AlphaPatternAndRegularExpression) {
  const checkpoint::SafetensorsFile golden(adapter_folder("qwen2") / "golden.safetensors");
  const auto model = load("qwen2");
  merge_adapter(*model, adapter_folder("qwen2"));
  EXPECT_LT(largest(log_probs(*model, "qwen2") - golden.view("log_probs")), 1e-4);
  const auto beside = load("qwen2");
  attach_adapter(*beside, adapter_folder("qwen2"));
  EXPECT_LT(largest(log_probs(*beside, "qwen2") - golden.view("log_probs")), 1e-4);
}

}  // namespace
}  // namespace unlearn::model
