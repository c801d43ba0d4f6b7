#include "unlearn/runtime/dropout.h"

#include <gtest/gtest.h>

namespace unlearn::runtime {
namespace {

TEST(Dropout, DependsOnStepAndTokenOnly) {
  const torch::Tensor x = torch::ones({200, 33});
  const DropoutDraw draw{.probability = 0.3, .key = 11, .first_token = 0};
  const torch::Tensor mask = dropout_mask(x, draw);
  EXPECT_TRUE(torch::equal(mask, dropout_mask(x, draw)));
  // Rows of a later micro-batch are rows of the whole.
  const DropoutDraw later{.probability = 0.3, .key = 11, .first_token = 120};
  EXPECT_TRUE(torch::equal(mask.slice(0, 120), dropout_mask(x.slice(0, 120), later)));
  const DropoutDraw other{.probability = 0.3, .key = 12, .first_token = 0};
  EXPECT_FALSE(torch::equal(mask, dropout_mask(x, other)));
  // 6600 draws: the share of dropped ones is within four standard deviations of 0.3.
  EXPECT_NEAR((mask == 0).to(torch::kDouble).mean().item<double>(), 0.3, 0.023);
  const torch::Tensor kept = mask.masked_select(mask != 0);
  EXPECT_LT((kept - 1 / 0.7).abs().max().item<double>(), 1e-6);
}

}  // namespace
}  // namespace unlearn::runtime
