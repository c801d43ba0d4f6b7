// Weights as they come back from a quantised copy: what rounding to 8 or 4 bits leaves of them.
#pragma once

#include <torch/types.h>

#include <string>

namespace unlearn::checkpoint {

// int8: every row of [rows, columns] is rounded to multiples of its largest magnitude / 127 (ties
// to even), as LLM.int8 stores weights (arXiv 2208.07339). A row of zeros stays. fp32 in, fp32 out.
torch::Tensor round_trip_int8(const torch::Tensor& weight);

// NF4 (QLoRA, arXiv 2305.14314): each block of 64 values in storage order is divided by its largest
// magnitude and takes the nearest of sixteen values, quantiles of a normal distribution. The scales
// stay fp32 (no double quantisation). fp32 in, fp32 out.
torch::Tensor round_trip_nf4(const torch::Tensor& weight);

// True for what quantised checkpoints quantise: matrices of linear layers, that is two-dimensional
// weights which are no embedding and no output layer.
bool is_quantised(const std::string& tensor_name, const torch::Tensor& tensor);

}  // namespace unlearn::checkpoint
