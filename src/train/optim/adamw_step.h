// Runs AdamW's kernels where the tensors are.
#pragma once

#include <torch/types.h>

#include <vector>

#include "unlearn/kernels/adamw.h"

namespace unlearn::train {

// All tensors share layout and device. On a GPU one launch updates all of them.
void run_adamw(const std::vector<kernels::AdamWTensor>& tensors, const kernels::AdamWLayout& layout,
               const kernels::AdamWNumbers& numbers, torch::Device device);

}  // namespace unlearn::train
