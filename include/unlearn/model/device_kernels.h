// Where tensors meet our CUDA kernels.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "unlearn/kernels/cuda_library.h"

namespace unlearn::model {

// Makes CUDA usable; "" or one line that says what is missing.
std::string enable_cuda();
// Makes the device the one that this thread's kernels are launched on.
void use_device(torch::Device device);
// From here on, operators that have a bit-reproducible form on CUDA use it; those that have none
// throw. Before the first CUDA operation: cuBLAS reads its part of it then.
void set_deterministic();

// The kernels, when `tensor` lies on a GPU and is fp32 or bf16; else null.
const kernels::CudaLibrary* kernels_for(const torch::Tensor& tensor);

kernels::DType kernel_dtype(torch::Dtype dtype);  // fp32, bf16 or fp64
// The cudaStream_t that ATen works on.
void* current_stream(torch::Device device);
// Throws on an error code of a launch.
void check_launch(int code, const char* kernel);

// The table of a launch over many tensors; `first` keeps its memory alive.
struct DeviceWork {
  torch::Tensor first;
  kernels::WorkTable table;
};
DeviceWork work_table(const std::vector<int64_t>& sizes, torch::Device device);

// To the device without waiting for the work queued there. `host` may be changed or freed at once:
// the driver copies pageable memory before it returns.
torch::Tensor upload(const torch::Tensor& host, torch::Device device);
torch::Tensor upload(const std::vector<int64_t>& values, torch::Device device);

// An array of plain structs as a byte tensor on the device.
template <class T>
torch::Tensor to_device(const std::vector<T>& items, torch::Device device) {
  const auto bytes = static_cast<int64_t>(items.size() * sizeof(T));
  return torch::from_blob(const_cast<T*>(items.data()), {bytes}, torch::kUInt8)
      .to(device, /*non_blocking=*/true, /*copy=*/true);
}

}  // namespace unlearn::model
