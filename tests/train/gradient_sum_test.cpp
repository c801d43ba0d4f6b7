// Gradients that come in parts: summed in fp32, and applied without being waited for.
#include "train/gradient_sum.h"

#include <gtest/gtest.h>

#include <cmath>

#include "train/free_gradients.h"
#include "train/started_optimizer.h"

namespace unlearn::train {
namespace {

torch::Tensor parameter_of(torch::IntArrayRef sizes) {
  return torch::randn(sizes).to(torch::kBFloat16).set_requires_grad(true);
}

// Passes with these gradients, added up by autograd or by GradientSums; .grad in the end.
torch::Tensor summed(const std::vector<torch::Tensor>& gradients, bool is_wide, bool has_first) {
  torch::Tensor parameter = parameter_of(gradients.front().sizes());
  const auto pass = [&](const torch::Tensor& gradient) { (parameter * gradient).sum().backward(); };
  if (has_first) pass(gradients.front());
  std::optional<GradientSums> sums;
  if (is_wide) sums.emplace(std::vector{parameter});
  for (size_t i = has_first ? 1 : 0; i < gradients.size(); ++i) pass(gradients[i]);
  if (sums) sums->finish();
  return parameter.grad().to(torch::kDouble);
}

// Of 64 parts: one rounding, where bf16 sums lose more with every part. Whatever was in .grad
// before is one of the parts.
TEST(GradientSumsTest, AreRoundedOnce) {
  torch::manual_seed(31);
  std::vector<torch::Tensor> gradients;
  torch::Tensor exact = torch::zeros({500}, torch::kDouble);
  for (int i = 0; i < 64; ++i) {
    gradients.push_back((torch::rand({500}) + 0.5).to(torch::kBFloat16));
    exact += gradients.back().to(torch::kDouble);
  }
  const auto error = [&](const torch::Tensor& sum) {
    return ((sum - exact).abs() / exact).max().item<double>();
  };
  constexpr double kHalfStep = 1.0 / 256;  // of bf16's 8 bits
  EXPECT_LT(error(summed(gradients, true, false)), kHalfStep);
  EXPECT_LT(error(summed(gradients, true, true)), kHalfStep);
  EXPECT_GT(error(summed(gradients, false, false)), 2 * kHalfStep);
}

TEST(GradientSumsTest, LeaveOtherParametersAlone) {
  torch::Tensor wide = torch::ones({4}, torch::kFloat).set_requires_grad(true);
  torch::Tensor unused = parameter_of({4}), frozen = torch::ones({4}, torch::kBFloat16);
  {
    GradientSums sums({wide, unused, frozen});
    (wide * 2).sum().backward();
    EXPECT_TRUE(wide.grad().defined());
    sums.finish();
  }
  EXPECT_TRUE(wide.grad().equal(torch::full({4}, 2.0F)));
  EXPECT_FALSE(unused.grad().defined());
  // Its hooks are gone with it.
  (unused * 3).sum().backward();
  EXPECT_TRUE(unused.grad().defined());
}

// A gradient that is not finite is reported with its parameter's name and changes nothing; the
// others are applied.
TEST(FreeGradientsTest, AnInfiniteGradientIsNotApplied) {
  torch::manual_seed(32);
  torch::Tensor good = parameter_of({3, 5}), bad = parameter_of({3, 5});
  const torch::Tensor good_before = good.detach().clone(), bad_before = bad.detach().clone();
  const auto optimizer = start_default_optimizer({{"good", good}, {"bad", bad}}, {},
                                                 [](const std::string&) { return false; });
  FreeGradients free(*optimizer);
  free.begin_step(1e-1);
  ((good * 2).sum() + (bad * INFINITY).sum()).backward();
  const FreeGradients::Result result = free.end_step();
  EXPECT_EQ(result.first_nonfinite, "bad");
  EXPECT_FALSE(std::isfinite(result.gradient_norm));
  EXPECT_TRUE(bad.equal(bad_before));
  EXPECT_FALSE(good.equal(good_before));
  EXPECT_FALSE(good.grad().defined() || bad.grad().defined());
}

}  // namespace
}  // namespace unlearn::train
