// Matrix products in 8-bit floating point.
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace unlearn::runtime {

// [N, K] as e4m3 codes, each row with a scale: value = code * scale.
struct Fp8Rows {
  torch::Tensor codes;  // [N, K] float8_e4m3fn
  torch::Tensor scale;  // [N] fp32
};
// x [N, K], contiguous fp32 or bf16; or the rows of x^T for x [K, N].
Fp8Rows fp8_rows(const torch::Tensor& x);
Fp8Rows fp8_columns(const torch::Tensor& x);

// Whether fp8_product() takes an inner and outer width: the matrix units' multiple of 16.
constexpr int64_t kFp8Multiple = 16;

// a b^T [N, M] in bf16, sums in fp32; bias [M] in bf16 or undefined. K and M are multiples of 16.
// On the CPU by the same numbers in fp32.
torch::Tensor fp8_product(const Fp8Rows& a, const Fp8Rows& b, const torch::Tensor& bias = {});

}  // namespace unlearn::runtime
