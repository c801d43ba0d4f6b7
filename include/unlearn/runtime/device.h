// Choosing a device and bringing values to it.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace unlearn::runtime {

// Makes CUDA usable; "" or one line that says what is missing.
std::string enable_cuda();
// Makes the device the one that this thread's kernels are launched on.
void use_device(torch::Device device);
// From here on, operators that have a bit-reproducible form on CUDA use it; those that have none
// throw. Before the first CUDA operation: cuBLAS reads its part of it then.
void set_deterministic();

// To the device without waiting for the work queued there. `host` may be changed or freed at once:
// the driver copies pageable memory before it returns.
torch::Tensor upload(const torch::Tensor& host, torch::Device device);
torch::Tensor upload(const std::vector<int64_t>& values, torch::Device device);

}  // namespace unlearn::runtime
