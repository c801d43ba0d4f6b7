// Products in FP8 against PyTorch's own and against fp64.
#include "unlearn/runtime/fp8.h"

#include <gtest/gtest.h>

namespace unlearn::runtime {
namespace {

torch::Tensor values_of(const Fp8Rows& x) {
  return x.codes.to(torch::kDouble) * x.scale.to(torch::kDouble).unsqueeze(1);
}

TEST(Fp8Test, ProductsAreThoseOfTheRoundedFactors) {
  torch::manual_seed(51);
  const torch::Tensor x = torch::randn({21, 64}).to(torch::kBFloat16);
  const torch::Tensor w = torch::randn({48, 64}).to(torch::kBFloat16);
  const torch::Tensor bias = torch::randn({48}).to(torch::kBFloat16);
  const Fp8Rows a = fp8_rows(x), b = fp8_rows(w);
  const torch::Tensor want = at::mm(values_of(a), values_of(b).t());
  EXPECT_TRUE(fp8_product(a, b).to(torch::kDouble).allclose(want, 1.0 / 200, 1e-4));
  EXPECT_TRUE(fp8_product(a, b, bias).to(torch::kDouble).allclose(want + bias, 1.0 / 100, 1e-2));
  // PyTorch's product on the CPU takes one scale a matrix.
  const torch::Tensor one = torch::ones({});
  const Fp8Rows plain_a{a.codes, torch::ones({21})}, plain_b{b.codes, torch::ones({48})};
  EXPECT_TRUE(fp8_product(plain_a, plain_b)
                  .to(torch::kFloat)
                  .allclose(at::_scaled_mm(a.codes, b.codes.t(), one, one, {}, {}, torch::kBFloat16)
                                .to(torch::kFloat),
                            1.0 / 128, 1e-2));
  // Eight bits: 3 % of a value, less of a sum.
  const torch::Tensor exact = at::mm(x.to(torch::kDouble), w.to(torch::kDouble).t());
  const double error = ((want - exact).norm() / exact.norm()).item<double>();
  EXPECT_LT(error, 0.05);
  EXPECT_GT(error, 0.005);
}

TEST(Fp8Test, ColumnsAreTheRowsOfTheTurnedMatrix) {
  torch::manual_seed(52);
  const torch::Tensor x = torch::randn({33, 70}).to(torch::kBFloat16);
  const Fp8Rows a = fp8_columns(x), b = fp8_rows(x.t().contiguous());
  EXPECT_TRUE(a.codes.view(torch::kUInt8).equal(b.codes.view(torch::kUInt8)));
  EXPECT_TRUE(a.scale.equal(b.scale));
}

}  // namespace
}  // namespace unlearn::runtime
