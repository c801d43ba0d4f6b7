// silu(gate) * up (arXiv 2002.05202), alone and as the input of a linear layer.
#pragma once

#include <torch/types.h>

#include <optional>

#include "model/linear_product.h"

namespace unlearn::model {

// [T, f]. Without `up`, `gate` is [T, 2 f] and holds both, gate first; its gradient is then one
// tensor, too. Keeps its inputs for the backward pass and nothing else.
torch::Tensor swiglu(const torch::Tensor& gate, const std::optional<torch::Tensor>& up);

// swiglu(gate, up) W^T + b, weight [d, f], bias [d] or undefined. Keeps gate and up, not the
// product.
torch::Tensor swiglu_linear(const torch::Tensor& gate, const std::optional<torch::Tensor>& up,
                            const torch::Tensor& weight, const torch::Tensor& bias,
                            Precision precision);

}  // namespace unlearn::model
