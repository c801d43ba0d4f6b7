// Runs the optimizer's kernels where the tensors are.
#pragma once

#include <torch/types.h>

#include <vector>

#include "unlearn/kernels/adamw.h"

namespace unlearn::train {

// All tensors share layout and device. On a GPU one launch updates all of them.
void run_adamw(const std::vector<kernels::AdamWTensor>& tensors, const kernels::AdamWLayout& layout,
               const kernels::AdamWNumbers& numbers, torch::Device device);

// Sum of squares of all elements, in fp64, with one wait for the device. fp32, bf16 and fp64.
double sum_squares_on_gpu(const std::vector<torch::Tensor>& tensors, torch::Device device);

}  // namespace unlearn::train
