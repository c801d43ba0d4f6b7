// The CPU twins of the CUDA kernels against ATen.
#include <gtest/gtest.h>
#include <torch/types.h>

#include "unlearn/kernels/fp8.h"
#include "unlearn/kernels/norms.h"
#include "unlearn/kernels/pointwise.h"
#include "unlearn/kernels/rms_norm.h"
#include "unlearn/kernels/row_logits.h"

namespace unlearn::kernels {
namespace {

class TwinTest : public ::testing::TestWithParam<torch::Dtype> {
 protected:
  void SetUp() override { torch::manual_seed(11); }
  torch::Tensor random(torch::IntArrayRef sizes, double scale = 1.0) const {
    return (torch::randn(sizes) * scale).to(GetParam());
  }
  DType dtype() const {
    return GetParam() == torch::kBFloat16 ? DType::kBfloat16 : DType::kFloat32;
  }
  // ATen computes the oracle in fp64 from the same inputs; what is left is one rounding of the
  // result and the fp32 arithmetic inside.
  void expect_close(const torch::Tensor& got, const torch::Tensor& want) const {
    const double rounding = GetParam() == torch::kBFloat16 ? 1.0 / 128 : 1e-5;
    EXPECT_TRUE(got.to(torch::kDouble).allclose(want, rounding, rounding * 0.1))
        << (got.to(torch::kDouble) - want).abs().max().item<double>();
  }
};

torch::Tensor wide(const torch::Tensor& x) {
  return x.to(torch::kDouble).detach().set_requires_grad(true);
}

TEST_P(TwinTest, RowLogits) {
  const torch::Tensor z = random({9, 1003}, 8.0);
  z[3].fill_(-100.0);
  z[3][17] = 80.0;  // one logit far above the rest
  const torch::Tensor targets = torch::randint(0, 1003, {9}, torch::kLong);
  const torch::Tensor g = torch::randn({9});
  torch::Tensor lse = torch::empty({9}), picked = torch::empty({9});
  const torch::Tensor oracle = wide(z);
  const torch::Tensor want_picked = oracle.gather(1, targets.unsqueeze(1)).squeeze(1);
  const torch::Tensor want_lse = oracle.logsumexp(1);
  ((want_picked - want_lse) * g.to(torch::kDouble)).sum().backward();
  const torch::Tensor work = z.clone();
  RowLogits args{.logits = work.data_ptr(),
                 .dtype = dtype(),
                 .targets = targets.const_data_ptr<int64_t>(),
                 .lse = lse.mutable_data_ptr<float>(),
                 .picked = picked.mutable_data_ptr<float>(),
                 .gradient = g.const_data_ptr<float>(),
                 .rows = 9,
                 .columns = 1003};
  row_lse_cpu(args, 0, 4);
  row_lse_cpu(args, 4, 9);
  EXPECT_TRUE(lse.to(torch::kDouble).allclose(want_lse, 1e-6));
  EXPECT_TRUE(picked.to(torch::kDouble).equal(want_picked));
  row_dlogits_cpu(args, 0, 9);
  expect_close(work, oracle.grad());
}

// fp32 only. Rows far from the reference, near it (the divergence is 1e-8 and nothing may cancel)
// and equal to it.
TEST(RowKlTest, ValuesAndGradients) {
  torch::manual_seed(12);
  const torch::Tensor reference = torch::randn({9, 2011}) * 6;
  torch::Tensor z = torch::randn({9, 2011}) * 6;
  z[0].copy_(reference[0] + 0.3 * torch::randn({2011}));
  z[1].copy_(reference[1] + 1e-4 * torch::randn({2011}));
  z[2].copy_(reference[2]);
  z[3].fill_(-90.0);
  z[3][7] = 70.0;
  const torch::Tensor oracle = wide(z);
  const torch::Tensor q = reference.to(torch::kDouble).log_softmax(1);
  const torch::Tensor want = (q.exp() * (q - oracle.log_softmax(1))).sum(1);
  want.sum().backward();
  torch::Tensor value = torch::empty({9});
  RowKl args{.logits = z.mutable_data_ptr<float>(),
             .reference = reference.const_data_ptr<float>(),
             .value = value.mutable_data_ptr<float>(),
             .rows = 9,
             .columns = 2011};
  const torch::Tensor untouched = z.clone();
  row_kl_cpu(args, 0, 9);
  EXPECT_TRUE(z.equal(untouched));
  const torch::Tensor without = value.clone();
  args.with_gradient = true;
  row_kl_cpu(args, 0, 5);
  row_kl_cpu(args, 5, 9);
  EXPECT_TRUE(value.equal(without));
  EXPECT_TRUE(value.to(torch::kDouble).allclose(want, 1e-5, 0)) << value << want;
  EXPECT_EQ(value[2].item<float>(), 0.0F);
  EXPECT_TRUE(z.to(torch::kDouble).allclose(oracle.grad(), 1e-5, 1e-7))
      << (z.to(torch::kDouble) - oracle.grad()).abs().max();
}

TEST_P(TwinTest, RmsNorm) {
  const int64_t rows = 13, width = 96, parts = 4;
  const torch::Tensor x = random({rows, width}), weight = random({width}),
                      gradient = random({rows, width});
  const torch::Tensor out = torch::empty_like(x), x_gradient = torch::empty_like(x);
  torch::Tensor scale = torch::empty({rows}), weight_parts = torch::full({parts, width}, 7.0F);
  const RmsNorm args{.dtype = dtype(),
                     .rows = rows,
                     .width = width,
                     .epsilon = 1e-5F,
                     .x = x.const_data_ptr(),
                     .weight = weight.const_data_ptr(),
                     .scale = scale.mutable_data_ptr<float>(),
                     .out = out.data_ptr(),
                     .gradient = gradient.const_data_ptr(),
                     .x_gradient = x_gradient.data_ptr(),
                     .weight_parts = weight_parts.mutable_data_ptr<float>(),
                     .parts = parts};
  rms_norm_forward_cpu(args, 0, rows);
  const torch::Tensor oracle = wide(x), oracle_weight = wide(weight);
  const torch::Tensor normal =
      oracle * (oracle.square().mean(-1, true) + 1e-5).rsqrt() * oracle_weight;
  expect_close(out, normal);
  rms_norm_backward_cpu(args, 0, 1);
  rms_norm_backward_cpu(args, 1, parts);
  normal.backward(gradient.to(torch::kDouble));
  expect_close(x_gradient, oracle.grad());
  EXPECT_TRUE(weight_parts.sum(0).to(torch::kDouble).allclose(oracle_weight.grad(), 1e-4, 1e-4));
}

TEST_P(TwinTest, Rotary) {
  const int64_t tokens = 5, heads = 3, dim = 20, half = 8;
  const torch::Tensor x = random({tokens, heads, dim});
  const torch::Tensor angles = torch::rand({tokens, 1, half}) * 6;
  const torch::Tensor cos = angles.cos().to(GetParam()), sin = angles.sin().to(GetParam());
  const torch::Tensor out = torch::empty_like(x);
  RotaryArgs args{.dtype = dtype(),
                  .x = x.const_data_ptr(),
                  .out = out.data_ptr(),
                  .cos = cos.const_data_ptr(),
                  .sin = sin.const_data_ptr(),
                  .tokens = tokens,
                  .heads = heads,
                  .dim = dim,
                  .half = half};
  rotary_cpu(args, 0, tokens);
  const torch::Tensor oracle = wide(x);
  const torch::Tensor c = cos.to(torch::kDouble), s = sin.to(torch::kDouble);
  const auto parts = oracle.split_with_sizes({half, half, dim - 2 * half}, -1);
  const torch::Tensor want =
      torch::cat({parts[0] * c - parts[1] * s, parts[1] * c + parts[0] * s, parts[2]}, -1);
  expect_close(out, want);
  // Backward: the rotation back, in place.
  want.backward(out.to(torch::kDouble));
  args.x = out.const_data_ptr();
  args.sign = -1;
  rotary_cpu(args, 0, tokens);
  expect_close(out, oracle.grad());
}

TEST_P(TwinTest, Swiglu) {
  const torch::Tensor gate = random({7, 31}, 3.0), up = random({7, 31}), gradient = random({7, 31});
  const torch::Tensor out = torch::empty_like(gate), gate_gradient = torch::empty_like(gate),
                      up_gradient = torch::empty_like(gate);
  const SwigluArgs args{.dtype = dtype(),
                        .gate = gate.const_data_ptr(),
                        .up = up.const_data_ptr(),
                        .out = out.data_ptr(),
                        .gradient = gradient.const_data_ptr(),
                        .gate_gradient = gate_gradient.data_ptr(),
                        .up_gradient = up_gradient.data_ptr(),
                        .size = gate.numel()};
  swiglu_forward_cpu(args, 0, 100);
  swiglu_forward_cpu(args, 100, gate.numel());
  swiglu_backward_cpu(args, 0, gate.numel());
  const torch::Tensor oracle_gate = wide(gate), oracle_up = wide(up);
  const torch::Tensor want = torch::silu(oracle_gate) * oracle_up;
  expect_close(out, want);
  want.backward(gradient.to(torch::kDouble));
  expect_close(gate_gradient, oracle_gate.grad());
  expect_close(up_gradient, oracle_up.grad());
}

// Against PyTorch's conversion: every bf16 number up to the largest, every number half-way between
// two neighbours, and what lies next to it.
TEST(Fp8Test, RoundsAsPyTorch) {
  std::vector<float> values;
  for (uint32_t high = 0; high < 0x43E1; ++high) values.push_back(float_from_bits(high << 16));
  for (uint32_t code = 0; code < 0x7E; ++code) {
    const auto value_of = [](uint32_t c) {
      return torch::tensor({static_cast<int>(c)}, torch::kUInt8)
          .view(torch::kFloat8_e4m3fn)
          .to(torch::kFloat)
          .item<float>();
    };
    const float middle = (value_of(code) + value_of(code + 1)) / 2;
    values.insert(values.end(),
                  {middle, std::nextafter(middle, 0.0F), std::nextafter(middle, 1000.0F)});
  }
  const auto count = static_cast<int64_t>(values.size());
  for (const float sign : {1.0F, -1.0F}) {
    const torch::Tensor x = torch::tensor(values) * sign;
    const torch::Tensor want = x.to(torch::kFloat8_e4m3fn).view(torch::kUInt8);
    for (int64_t i = 0; i < count; ++i) {
      const auto value = x[i].item<float>();
      ASSERT_EQ(to_e4m3(value), want[i].item<uint8_t>()) << value;
    }
  }
  EXPECT_EQ(to_e4m3(449.0F), 0x7E);
  EXPECT_EQ(to_e4m3(-INFINITY), 0xFE);
  EXPECT_EQ(to_e4m3(NAN) & 0x7F, 0x7F);
}

// Scale times code is the value to within half a step, the largest of each row or column exactly.
TEST_P(TwinTest, Fp8RowsAndColumns) {
  const torch::Tensor x = random({7, 50}, 3.0);
  x[2].zero_();
  for (const bool by_columns : {false, true}) {
    const torch::Tensor lines = by_columns ? x.t().contiguous() : x;
    const torch::Tensor codes = torch::empty(lines.sizes(), torch::kUInt8);
    torch::Tensor scale = torch::empty({lines.size(0)});
    const Fp8Matrix args{.dtype = dtype(),
                         .x = x.const_data_ptr(),
                         .codes = codes.mutable_data_ptr<uint8_t>(),
                         .scale = scale.mutable_data_ptr<float>(),
                         .rows = 7,
                         .width = 50};
    const auto run = by_columns ? fp8_columns_cpu : fp8_rows_cpu;
    run(args, 0, 3);
    run(args, 3, lines.size(0));
    const torch::Tensor got =
        codes.view(torch::kFloat8_e4m3fn).to(torch::kFloat) * scale.unsqueeze(1);
    const torch::Tensor want = lines.to(torch::kFloat);
    const torch::Tensor largest = want.abs().amax(1, true);
    const torch::Tensor bound =
        torch::maximum(want.abs() / 16, largest / 448 / 1024) * 1.001 + 1e-30;
    EXPECT_TRUE(((got - want).abs() <= bound).all().item<bool>());
    EXPECT_TRUE(got.abs().amax(1, true).allclose(largest, 1e-6));
  }
}

TEST_P(TwinTest, SumOfSquares) {
  const torch::Tensor x = random({1000});
  const NormTensor tensor{x.const_data_ptr(), x.numel()};
  const double sum =
      sum_squares_cpu(tensor, dtype(), 0, 300) + sum_squares_cpu(tensor, dtype(), 300, x.numel());
  EXPECT_NEAR(sum, x.to(torch::kDouble).square().sum().item<double>(), 1e-9);
}

INSTANTIATE_TEST_SUITE_P(Dtypes, TwinTest, ::testing::Values(torch::kFloat32, torch::kBFloat16));

}  // namespace
}  // namespace unlearn::kernels
