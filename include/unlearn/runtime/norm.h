// The L2 norm over many tensors.
#pragma once

#include <torch/types.h>

#include <vector>

namespace unlearn::runtime {

// Over all elements of contiguous fp32, bf16 or fp64 tensors of one device, squared and summed in
// fp32 or wider; 0 without a tensor. In fp64 and on that device: nothing waits for it. On a GPU one
// launch per dtype.
torch::Tensor l2_norm(const std::vector<torch::Tensor>& tensors, torch::Device device);

}  // namespace unlearn::runtime
