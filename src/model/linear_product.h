// The products of a plain linear layer, in the model's dtype or in FP8.
#pragma once

#include <torch/types.h>

namespace unlearn::model {

enum class Precision { kModel, kFp8 };

// x W^T + b: x [T, in], weight [out, in], bias [out] or undefined.
torch::Tensor linear_product(const torch::Tensor& x, const torch::Tensor& weight,
                             const torch::Tensor& bias, Precision precision);
// The gradient of x from that of the result, [T, out].
torch::Tensor linear_input_gradient(const torch::Tensor& gradient, const torch::Tensor& weight,
                                    Precision precision);

// linear_product() with its gradients; that of the weight is made in the model's dtype.
torch::Tensor linear_layer(const torch::Tensor& x, const torch::Tensor& weight,
                           const torch::Tensor& bias, Precision precision);

}  // namespace unlearn::model
