#include "unlearn/train/optimizer.h"

#include <gtest/gtest.h>

namespace unlearn::train {
namespace {

// The update rule of Loshchilov & Hutter, algorithm 2, written out in fp64.
struct ReferenceAdamW {
  double lr, beta1, beta2, epsilon, decay;
  torch::Tensor first, second;
  int64_t step = 0;

  void update(torch::Tensor& weight, const torch::Tensor& gradient) {
    if (!first.defined()) {
      first = torch::zeros_like(weight);
      second = torch::zeros_like(weight);
    }
    ++step;
    weight.mul_(1 - lr * decay);
    first.mul_(beta1).add_(gradient, 1 - beta1);
    second.mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
    const auto n = static_cast<double>(step);
    const torch::Tensor corrected = (second / (1 - std::pow(beta2, n))).sqrt().add_(epsilon);
    weight.addcdiv_(first, corrected, -lr / (1 - std::pow(beta1, n)));
  }
};

class OptimizerTest : public ::testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(3); }
};

TEST_F(OptimizerTest, FollowsTheRuleWithAndWithoutDecay) {
  const torch::Tensor start = torch::randn({7, 5}, torch::kDouble);
  torch::Tensor weight = start.clone().set_requires_grad(true);
  torch::Tensor bias = start.clone().set_requires_grad(true);
  AdamW optimizer({{"w", weight}, {"b", bias}}, {.weight_decay = 0.1},
                  [](const std::string& name) { return name == "w"; });
  torch::Tensor want_weight = start.clone();
  torch::Tensor want_bias = start.clone();
  ReferenceAdamW weight_rule{1e-2, 0.9, 0.999, 1e-8, 0.1, {}, {}};
  ReferenceAdamW bias_rule{1e-2, 0.9, 0.999, 1e-8, 0.0, {}, {}};
  for (int i = 0; i < 20; ++i) {
    const torch::Tensor gradient = torch::randn({7, 5}, torch::kDouble);
    weight.mutable_grad() = gradient * 4;
    bias.mutable_grad() = gradient * 4;
    optimizer.step(1e-2, 0.25);
    weight_rule.update(want_weight, gradient);
    bias_rule.update(want_bias, gradient);
  }
  EXPECT_LT((weight - want_weight).abs().max().item<double>(), 1e-9);
  EXPECT_LT((bias - want_bias).abs().max().item<double>(), 1e-9);
}

TEST_F(OptimizerTest, SplitMasterIsExact) {
  torch::Tensor bits = torch::randint(INT32_MIN, INT32_MAX, {1 << 20}, torch::kInt);
  bits.slice(0, 0, 1 << 16).copy_(torch::arange(1 << 16, torch::kInt));  // every low half
  const torch::Tensor master = bits.view(torch::kFloat);
  torch::Tensor high = torch::empty(bits.sizes(), torch::kBFloat16);
  torch::Tensor low = torch::empty(bits.sizes(), torch::kShort);
  split_master(master, high, low);
  EXPECT_TRUE(join_master(high, low).view(torch::kInt).equal(bits));
}

TEST_F(OptimizerTest, SplitMasterTrainsAsFp32) {
  const torch::Tensor start = torch::randn({64}).to(torch::kBFloat16);
  torch::Tensor half = start.clone().set_requires_grad(true);
  torch::Tensor full = start.to(torch::kFloat).set_requires_grad(true);
  const auto decayed = [](const std::string&) { return true; };
  AdamW half_optimizer({{"w", half}}, {}, decayed);
  AdamW full_optimizer({{"w", full}}, {}, decayed);
  for (int i = 0; i < 200; ++i) {
    const torch::Tensor gradient = torch::randn({64}).to(torch::kBFloat16);
    half.mutable_grad() = gradient;
    full.mutable_grad() = gradient.to(torch::kFloat);
    half_optimizer.step(1e-4, 1.0);
    full_optimizer.step(1e-4, 1.0);
  }
  for (const auto& [name, tensor] : half_optimizer.state()) {
    if (name != "remainder.w") continue;
    EXPECT_TRUE(join_master(half.detach(), tensor).equal(full.detach()));
  }
}

TEST_F(OptimizerTest, StateRestoresToTheBit) {
  const auto decayed = [](const std::string&) { return true; };
  torch::Tensor weight = torch::randn({9}).set_requires_grad(true);
  AdamW optimizer({{"w", weight}}, {}, decayed);
  weight.mutable_grad() = torch::randn({9});
  optimizer.step(1e-3, 1.0);
  std::map<std::string, torch::Tensor> saved;
  for (const auto& [name, tensor] : optimizer.state()) saved[name] = tensor.clone();
  torch::Tensor copy = weight.detach().clone().set_requires_grad(true);
  AdamW restored({{"w", copy}}, {}, decayed);
  restored.load_state([&](const std::string& name) { return saved.at(name); },
                      optimizer.steps_done());
  const torch::Tensor gradient = torch::randn({9});
  weight.mutable_grad() = gradient;
  copy.mutable_grad() = gradient.clone();
  optimizer.step(1e-3, 1.0);
  restored.step(1e-3, 1.0);
  EXPECT_TRUE(weight.equal(copy));
}

TEST_F(OptimizerTest, NormAndNonFiniteAreFound) {
  torch::Tensor a = torch::zeros({2}).set_requires_grad(true);
  torch::Tensor b = torch::zeros({2}).set_requires_grad(true);
  AdamW optimizer({{"a", a}, {"b", b}}, {}, [](const std::string&) { return false; });
  a.mutable_grad() = torch::tensor({3.0F, 0.0F});
  b.mutable_grad() = torch::tensor({0.0F, 4.0F});
  EXPECT_DOUBLE_EQ(optimizer.gradient_norm(), 5.0);
  EXPECT_EQ(optimizer.first_nonfinite_gradient(), "");
  b.mutable_grad() = torch::tensor({0.0F, NAN});
  EXPECT_EQ(optimizer.first_nonfinite_gradient(), "b");
}

}  // namespace
}  // namespace unlearn::train
