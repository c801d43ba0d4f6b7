// Products of matrices, by the library that is fastest for the processor.
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace unlearn::runtime {

// Whether fp32 products of this size on the CPU go to oneDNN instead of MKL. MKL runs AVX2 code on
// AMD's processors with AVX-512, at less than half of oneDNN's speed (docs/performance.md). oneDNN
// prepares each new shape, which small products do not pay back. UNLEARN_CPU_PRODUCTS=mkl or onednn
// (every size) says otherwise.
bool by_onednn(int64_t rows, int64_t inner, int64_t columns);

// UserError when UNLEARN_CPU_PRODUCTS says something else, or oneDNN where LibTorch has none.
void check_product_choice();

// Below: two-dimensional, of one dtype and device, without autograd.

// x weight^T + bias: x [N, K], weight [M, K], bias [M] or undefined.
torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight,
                     const torch::Tensor& bias = {});
// a b: a [N, K], b [K, M].
torch::Tensor mm(const torch::Tensor& a, const torch::Tensor& b);
// The same into `out` [N, M].
void mm_into(torch::Tensor out, const torch::Tensor& a, const torch::Tensor& b);
// Adds scale * a b to `out`.
void add_mm(torch::Tensor out, const torch::Tensor& a, const torch::Tensor& b, double scale = 1);

}  // namespace unlearn::runtime
