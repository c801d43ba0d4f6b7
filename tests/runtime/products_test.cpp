// Products by oneDNN against the same in double precision, in every layout that layers use.
#include "unlearn/runtime/products.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace unlearn::runtime {
namespace {

using torch::Tensor;

// Every size goes to oneDNN here, also where MKL would be taken; read at the first product.
const int kEverySize = setenv("UNLEARN_CPU_PRODUCTS", "onednn", 1);

// Rounding of sums of `inner` products of numbers of size 1.
void expect_close(const Tensor& result, const Tensor& exact, int64_t inner) {
  ASSERT_EQ(result.sizes(), exact.sizes());
  const double error = (result.to(torch::kDouble) - exact).abs().max().item<double>();
  EXPECT_LE(error, 1e-6 * static_cast<double>(inner));
}

class Products : public testing::TestWithParam<int64_t> {
 protected:
  Products() {
    torch::manual_seed(3);
    rows_ = GetParam();
    x_ = torch::randn({rows_, kInner});
    weight_ = torch::randn({kColumns, kInner});
    bias_ = torch::randn({kColumns});
  }
  static Tensor exact(const Tensor& a, const Tensor& b) {
    return at::mm(a.to(torch::kDouble), b.to(torch::kDouble));
  }
  static constexpr int64_t kInner = 96, kColumns = 72;
  int64_t rows_ = 0;
  Tensor x_, weight_, bias_;
};

TEST_P(Products, LinearLayers) {
  const Tensor result = exact(x_, weight_.t());
  expect_close(runtime::linear(x_, weight_), result, kInner);
  expect_close(runtime::linear(x_, weight_, bias_), result + bias_, kInner);
  // GPT-2's layers keep [in, out].
  expect_close(runtime::linear(x_, weight_.t().contiguous().t()), result, kInner);
}

TEST_P(Products, Gradients) {
  const Tensor gradient = torch::randn({rows_, kColumns});
  expect_close(runtime::mm(gradient, weight_), exact(gradient, weight_), kColumns);
  expect_close(runtime::mm(gradient.t(), x_), exact(gradient.t(), x_), rows_);
  // A part of a wider matrix: rows with a distance.
  const Tensor wide = torch::randn({rows_, 2 * kInner});
  const Tensor part = wide.narrow(1, kInner, kInner);
  expect_close(runtime::mm(gradient.t(), part), exact(gradient.t(), part), rows_);
  expect_close(runtime::linear(part, weight_), exact(part, weight_.t()), kInner);
}

TEST_P(Products, IntoAndOnto) {
  const Tensor result = exact(x_, weight_.t());
  Tensor out = torch::full({2 * rows_, kColumns}, 7.0F);
  runtime::mm_into(out.narrow(0, rows_, rows_), x_, weight_.t());
  expect_close(out.narrow(0, rows_, rows_), result, kInner);
  EXPECT_TRUE(out.narrow(0, 0, rows_).eq(7.0F).all().item<bool>());
  Tensor sum = torch::full({rows_, kColumns}, 2.0F);
  runtime::add_mm(sum, x_, weight_.t(), 0.5);
  expect_close(sum, 0.5 * result + 2.0, kInner);
}

TEST_P(Products, SameBitsAgain) {
  ASSERT_EQ(kEverySize, 0);
  ASSERT_TRUE(by_onednn(rows_, kInner, kColumns));
  EXPECT_TRUE(
      torch::equal(runtime::linear(x_, weight_, bias_), runtime::linear(x_, weight_, bias_)));
}

INSTANTIATE_TEST_SUITE_P(Rows, Products, testing::Values(1, 5, 64, 333));

TEST(Products, Double) {
  const Tensor a = torch::randn({4, 8}, torch::kDouble), b = torch::randn({8, 3}, torch::kDouble);
  EXPECT_TRUE(torch::equal(runtime::mm(a, b), at::mm(a, b)));
}

TEST(Products, NothingIsSmall) {
  EXPECT_EQ(runtime::linear(torch::empty({0, 8}), torch::ones({3, 8})).sizes(),
            (std::vector<int64_t>{0, 3}));
}

}  // namespace
}  // namespace unlearn::runtime
