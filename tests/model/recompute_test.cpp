// Recomputation changes no bit of any gradient, in every family and variant.
#include <gtest/gtest.h>

#include "model/fixtures.h"

namespace unlearn::model {
namespace {

class RecomputeTest : public ::testing::TestWithParam<std::string> {};

std::map<std::string, torch::Tensor> gradients(CausalLM& model, const Golden& golden,
                                               Recompute recompute, bool with_capture = false) {
  model.set_recompute(recompute);
  torch::Tensor captured;
  // The offsets die before the backward pass, as they do in training.
  auto offsets = std::make_unique<std::vector<int64_t>>(golden.offsets);
  const torch::Tensor hidden =
      model.hidden_states({golden.ids, {}, *offsets}, {.capture_layer = 0, .captured = &captured});
  offsets.reset();
  torch::Tensor loss = logits_of(model, hidden).log_softmax(-1).square().mean();
  if (with_capture) loss = loss + captured.square().mean();
  loss.backward();
  std::map<std::string, torch::Tensor> result;
  for (const auto& entry : model.named_parameters()) {
    result[entry.key()] = entry.value().grad();
    entry.value().mutable_grad() = torch::Tensor();
  }
  return result;
}

TEST_P(RecomputeTest, GradientsAreTheSameBits) {
  const Golden golden(GetParam());
  for (const auto dtype : {torch::kFloat32, torch::kBFloat16}) {
    const auto model = load_model(golden_folder() / GetParam(), dtype, torch::kCPU);
    const auto want = gradients(*model, golden, Recompute::kNone);
    for (const auto mode : {Recompute::kSelective, Recompute::kFull}) {
      for (const auto& [name, gradient] : gradients(*model, golden, mode)) {
        ASSERT_TRUE(gradient.defined()) << name;
        EXPECT_TRUE(gradient.equal(want.at(name))) << name;
      }
    }
  }
}

// A block's output that the loss reads too has three users; their gradients may then be added in
// another order.
TEST_P(RecomputeTest, CapturedStatesGetTheirGradients) {
  const Golden golden(GetParam());
  const auto model = load_model(golden_folder() / GetParam(), torch::kFloat64, torch::kCPU);
  const auto want = gradients(*model, golden, Recompute::kNone, true);
  for (const auto mode : {Recompute::kSelective, Recompute::kFull}) {
    for (const auto& [name, gradient] : gradients(*model, golden, mode, true)) {
      EXPECT_TRUE(gradient.allclose(want.at(name), 1e-12, 1e-14)) << name;
    }
  }
}

// Frozen matrices: block outputs need gradients although the first block's input does not.
TEST_P(RecomputeTest, WorksOnAFrozenEmbedding) {
  const Golden golden(GetParam());
  const auto model = load_model(golden_folder() / GetParam(), torch::kFloat32, torch::kCPU);
  for (auto& entry : model->named_parameters()) {
    if (entry.value().dim() >= 2) entry.value().set_requires_grad(false);
  }
  const auto want = gradients(*model, golden, Recompute::kNone);
  const auto got = gradients(*model, golden, Recompute::kFull);
  for (const auto& [name, gradient] : want) {
    ASSERT_EQ(gradient.defined(), got.at(name).defined()) << name;
    if (!gradient.defined()) continue;
    EXPECT_TRUE(gradient.equal(got.at(name))) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, RecomputeTest, ::testing::ValuesIn(variants()),
                         [](const auto& variant) { return variant.param; });

}  // namespace
}  // namespace unlearn::model
