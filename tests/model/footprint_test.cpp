// What a model is predicted to take against a model that is there.
#include "unlearn/model/footprint.h"

#include <gtest/gtest.h>

#include "model/fixtures.h"
#include "model/linear_layers.h"
#include "unlearn/core/files.h"
#include "unlearn/model/weight_format.h"

namespace unlearn::model {
namespace {

struct Counts {
  std::map<std::string, std::vector<int64_t>> trained;
  int64_t frozen = 0;
};

Counts counts_of(const CausalLM& model) {
  Counts counts;
  for (const auto& entry : model.named_parameters()) {
    if (entry.value().requires_grad()) {
      counts.trained[entry.key()] = entry.value().sizes().vec();
    } else {
      counts.frozen += entry.value().numel();
    }
  }
  return counts;
}

Json footprint_config(const std::string& variant) {
  return read_json(golden_folder() / variant / "config.json");
}

void expect_counts(const ModelFootprint& footprint, const Counts& counts) {
  EXPECT_EQ(decltype(counts.trained)(footprint.trained.begin(), footprint.trained.end()),
            counts.trained);
  EXPECT_EQ(footprint.frozen, counts.frozen);
}

class FootprintTest : public ::testing::TestWithParam<std::string> {};

TEST_P(FootprintTest, CountsParametersOfFullTrainingAndLora) {
  const Json config = footprint_config(GetParam());
  auto model = load_model(golden_folder() / GetParam(), torch::kFloat32, torch::kCPU);
  const ModelFootprint full = model_footprint(config);
  expect_counts(full, counts_of(*model));
  EXPECT_EQ(full.parameter_count, count_parameters(*model));
  EXPECT_TRUE(full.trains_head);
  const LoraOptions lora{.rank = 3};
  std::vector<const WeightFormat*> formats{nullptr};
  for (const WeightFormat& format : weight_formats()) formats.push_back(&format);
  for (const WeightFormat* format : formats) {
    model = load_model(golden_folder() / GetParam(), torch::kFloat32, torch::kCPU, format);
    add_lora(*model, lora);
    const ModelFootprint adapted = model_footprint(config, Adaptation{lora, format});
    expect_counts(adapted, counts_of(*model));
    EXPECT_EQ(adapted.parameter_count, full.parameter_count);
    EXPECT_FALSE(adapted.trains_head);
    EXPECT_EQ(adapted.packed_bytes > 0, format != nullptr);
    EXPECT_GT(adapted.block.token, full.block.token);
  }
}

// Packed bytes of all linear layers of a Llama, from matrices that are packed for real.
TEST(ModelFootprintTest, PackedBytes) {
  for (const WeightFormat& format : weight_formats()) {
    const auto model = load_model(golden_folder() / "llama", torch::kFloat32, torch::kCPU);
    int64_t bytes = 0;
    for (const LinearLayer& layer : linear_layers(*model)) {
      bytes += PackedMatrix::pack(format, layer.linear->weight, layer.name).bytes();
    }
    EXPECT_EQ(
        model_footprint(footprint_config("llama"), Adaptation{{.rank = 2}, &format}).packed_bytes,
        bytes);
  }
}

TEST(ModelFootprintTest, WhatAMethodDoesNotTrainIsFrozen) {
  ModelFootprint footprint = model_footprint(footprint_config("llama"));
  const int64_t all = footprint.trained_count();
  footprint.train_only({});
  EXPECT_EQ(footprint.trained_count(), all);
  footprint.train_only({".*layers\\.1\\.mlp\\.down_proj\\.weight"});
  EXPECT_EQ(footprint.trained.size(), 1U);
  EXPECT_EQ(footprint.trained_count() + footprint.frozen, all);
  EXPECT_FALSE(footprint.trains_head);
}

INSTANTIATE_TEST_SUITE_P(Variants, FootprintTest,
                         ::testing::Values("llama", "gpt2", "phi", "gemma2", "llama_llama3_tied"),
                         [](const auto& variant) { return variant.param; });

}  // namespace
}  // namespace unlearn::model
