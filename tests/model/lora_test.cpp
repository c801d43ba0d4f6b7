// What must hold of LoRA without any oracle (lora_golden_test.cpp has PEFT as one).
#include "unlearn/model/lora.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "lora_fixture.h"
#include "model/lora_fixture.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn::model {
namespace {
namespace fs = std::filesystem;

// What a run trains and what an evaluation reads back are the same bits, over a packed base too.
TEST(Lora, AWrittenAdapterBesideItsBaseIsTheTrainedModel) {
  const fs::path folder = fs::path(::testing::TempDir()) / "unlearn_lora_beside";
  for (const auto& [dtype, bits] :
       {std::pair<torch::Dtype, int64_t>{torch::kFloat32, 4}, {torch::kBFloat16, 0}}) {
    const LoraOptions options{.rank = 3, .alpha = 8};
    const auto trained = load("llama", dtype, bits);
    add_lora(*trained, options);
    copy_adapter(*trained, adapter_folder("llama"));
    write_adapter(*trained, options, "tiny", folder, /*replace=*/true);
    const auto read = load("llama", dtype, bits);
    attach_adapter(*read, folder);
    EXPECT_TRUE(torch::equal(log_probs(*read, "llama"), log_probs(*trained, "llama"))) << bits;
  }
  fs::remove_all(folder);
}

TEST(Lora, FreshAdapterIsTheReferenceModel) {
  const auto model = load("llama");
  const torch::Tensor before = log_probs(*model, "llama");
  add_lora(*model, {.rank = 4});
  EXPECT_TRUE(torch::equal(log_probs(*model, "llama"), before));
  // Which they are, footprint_test.cpp compares with the plan.
  for (const auto& entry : model->named_parameters()) {
    EXPECT_EQ(entry.value().requires_grad(), entry.key().find(".lora_") != std::string::npos);
  }
}

TEST(Lora, PatternsChooseLayers) {
  const auto trained = [](const std::string& targets) {
    const auto model = load("llama");
    add_lora(*model, {.rank = 1, .targets = targets});
    std::vector<std::string> names;
    for (const auto& entry : model->named_parameters()) {
      if (entry.value().requires_grad()) names.push_back(entry.key());
    }
    return names;
  };
  EXPECT_EQ(trained("all-linear").size(), 2 * 7 * 2U);
  EXPECT_EQ(trained("q_proj,mlp.down_proj").size(), 2 * 2 * 2U);
  const std::vector<std::string> one = {"model.layers.1.self_attn.o_proj.lora_A.weight",
                                        "model.layers.1.self_attn.o_proj.lora_B.weight"};
  EXPECT_EQ(trained(R"(.*\.1\..*(o_proj|lm_head))"), one);
  EXPECT_THROW(trained("query"), UserError);
  EXPECT_THROW(trained("q_proj("), UserError);
}

// Gradients through dropout against central differences.
TEST(Lora, DropoutGradientsAreThoseOfTheFunction) {
  const auto model = load("llama", torch::kFloat64);
  add_lora(*model, {.rank = 2, .dropout = 0.4, .seed = 3});
  {
    // B is zero in a fresh pair, which would hide A's gradient.
    const torch::NoGradGuard no_grad;
    for (auto& entry : model->named_parameters()) {
      if (entry.key().ends_with("lora_B.weight")) entry.value().fill_(0.3);
    }
  }
  model->train();
  model->set_step_position({7, 100});
  const auto loss = [&] { return log_probs(*model, "llama").sum(); };
  loss().backward();
  const torch::NoGradGuard no_grad;
  for (auto& entry : model->named_parameters()) {
    if (!entry.value().requires_grad()) continue;
    torch::Tensor value = entry.value().view({-1});
    const double before = value[1].item<double>();
    value[1] = before + 1e-5;
    const double above = loss().item<double>();
    value[1] = before - 1e-5;
    const double below = loss().item<double>();
    value[1] = before;
    EXPECT_NEAR(entry.value().grad().view({-1})[1].item<double>(), (above - below) / 2e-5, 1e-4)
        << entry.key();
  }
}

TEST(Lora, EvaluationDropsNothing) {
  const auto model = load("llama");
  add_lora(*model, {.rank = 2, .dropout = 0.5});
  {
    const torch::NoGradGuard no_grad;
    for (auto& entry : model->named_parameters()) {
      if (entry.value().requires_grad()) entry.value().fill_(0.1);
    }
  }
  model->eval();
  const torch::Tensor calm = log_probs(*model, "llama");
  EXPECT_TRUE(torch::equal(calm, log_probs(*model, "llama")));
  model->train();
  EXPECT_FALSE(torch::equal(calm, log_probs(*model, "llama")));
}

// A base in 4 bits under LoRA: gradients are those of the same model with its weights unpacked.
TEST(Lora, PackedBaseHasTheGradientsOfItsPlainTwin) {
  const auto packed = load("llama", torch::kFloat32, 4);
  const auto plain = load("llama", torch::kFloat32, 4);
  merge_lora(*plain);  // unpacks
  for (const auto& model : {packed, plain}) {
    add_lora(*model, {.rank = 3, .alpha = 8});
    copy_adapter(*model, adapter_folder("llama"));
    log_probs(*model, "llama").mean().backward();
  }
  const auto expected = plain->named_parameters();
  size_t compared = 0;
  for (const auto& entry : packed->named_parameters()) {
    if (!entry.value().requires_grad()) continue;
    EXPECT_TRUE(torch::equal(entry.value().grad(), expected[entry.key()].grad())) << entry.key();
    ++compared;
  }
  EXPECT_EQ(compared, 28U);
}

}  // namespace
}  // namespace unlearn::model
