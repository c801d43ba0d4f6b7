// How this layer's files launch a CUDA kernel on tensors.
#pragma once

#include <torch/types.h>

#include <vector>

#include "unlearn/kernels/cuda_library.h"

namespace unlearn::runtime {

// The kernels, when `tensor` lies on a GPU and is fp32 or bf16; else null.
const kernels::CudaLibrary* kernels_for(const torch::Tensor& tensor);
// The kernels; they must be loaded.
const kernels::CudaLibrary& loaded_kernels();

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

// An array of plain structs as a byte tensor on the device.
template <class T>
torch::Tensor to_device(const std::vector<T>& items, torch::Device device) {
  const auto bytes = static_cast<int64_t>(items.size() * sizeof(T));
  return torch::from_blob(const_cast<T*>(items.data()), {bytes}, torch::kUInt8)
      .to(device, /*non_blocking=*/true, /*copy=*/true);
}

}  // namespace unlearn::runtime
