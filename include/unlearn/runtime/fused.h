// A decoder block's row and element-wise operations as single CUDA kernels; each says by an empty
// result that ATen has to do it (other devices, dtypes or widths).
#pragma once

#include <torch/types.h>

#include <optional>

namespace unlearn::runtime {

struct FusedNorm {
  torch::Tensor out;    // as x
  torch::Tensor scale;  // [rows] fp32
};
std::optional<FusedNorm> fused_rms_norm(const torch::Tensor& x, const torch::Tensor& weight,
                                        double epsilon);

struct FusedNormGradient {
  torch::Tensor x, weight;  // `weight` undefined unless it is needed
};
std::optional<FusedNormGradient> fused_rms_norm_backward(const torch::Tensor& gradient,
                                                         const torch::Tensor& x,
                                                         const torch::Tensor& weight,
                                                         const torch::Tensor& scale,
                                                         bool needs_weight);

// x: [T, H, D]; cos, sin: [T, 1, half].
std::optional<torch::Tensor> fused_rotary(const torch::Tensor& x, const torch::Tensor& cos,
                                          const torch::Tensor& sin, double sign);

// gate, up: contiguous, or [T, F] parts of one matrix of [T, 2 F], side by side.
bool fuses_swiglu(const torch::Tensor& gate, const torch::Tensor& up);
std::optional<torch::Tensor> fused_swiglu(const torch::Tensor& gate, const torch::Tensor& up);
struct FusedSwigluGradient {
  torch::Tensor gate, up;
  torch::Tensor both;  // of which they are parts, where gate and up are; else undefined
};
// With `product` also silu(gate) up, which then takes the place of `gradient`.
std::optional<FusedSwigluGradient> fused_swiglu_backward(const torch::Tensor& gradient,
                                                         const torch::Tensor& gate,
                                                         const torch::Tensor& up,
                                                         torch::Tensor* product = nullptr);

}  // namespace unlearn::runtime
