// FlashAttention-2 over packed sequences through ATen's private operators, whose signatures move
// between LibTorch versions: the only file that calls them.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace unlearn::model {

// Whether it can do this on a CUDA device: fp16 or bf16, no capped scores, a head size that the
// kernels have. Otherwise the plain form is used.
bool has_flash_attention(torch::Dtype dtype, int64_t head_dim, double softcap);

// As attention() in attention.h, for what has_flash_attention() allows. Differentiable; the key
// heads are not repeated.
torch::Tensor flash_attention(const torch::Tensor& q, const torch::Tensor& k,
                              const torch::Tensor& v, const std::vector<int64_t>& offsets,
                              double scale, int64_t window);

}  // namespace unlearn::model
