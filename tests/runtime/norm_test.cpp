#include "unlearn/runtime/norm.h"

#include <gtest/gtest.h>

#include <cmath>

namespace unlearn::runtime {
namespace {

TEST(L2Norm, IsThatOfAllElementsTogether) {
  EXPECT_EQ(l2_norm({}, torch::kCPU).item<double>(), 0.0);
  torch::manual_seed(4);
  const std::vector<torch::Tensor> tensors = {torch::randn({30, 7}), torch::randn({1000}),
                                              torch::randn({9, 5}).to(torch::kBFloat16),
                                              torch::randn({11}, torch::kDouble)};
  double squares = 0;
  for (const torch::Tensor& tensor : tensors) {
    squares += tensor.to(torch::kDouble).square().sum().item<double>();
  }
  EXPECT_NEAR(l2_norm(tensors, torch::kCPU).item<double>(), std::sqrt(squares),
              1e-5 * std::sqrt(squares));
}

}  // namespace
}  // namespace unlearn::runtime
