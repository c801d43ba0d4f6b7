// Runs AdamW's kernels where the tensors are.
#pragma once

#include <torch/types.h>

#include <vector>

#include "unlearn/kernels/adamw.h"

namespace unlearn::runtime {

// What the kernels call a parameter's dtype: fp32, bf16 or fp64.
kernels::DType kernel_dtype(torch::Dtype dtype);

// All tensors share layout and device. On a GPU one launch updates all of them.
void run_adamw(const std::vector<kernels::AdamWTensor>& tensors, const kernels::AdamWLayout& layout,
               const kernels::AdamWNumbers& numbers, torch::Device device);

}  // namespace unlearn::runtime
