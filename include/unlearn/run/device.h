// Where a command computes, and in which precision.
#pragma once

#include <torch/types.h>

#include <optional>
#include <string>

namespace unlearn::run {

// "auto", "cpu", "cuda", "cuda:N" -> a device that exists, with its index, and is in use from now
// on; UserError otherwise. Of several processes on this machine, each takes the GPU of its number.
torch::Device resolve_device(const std::string& name,
                             std::optional<int64_t> process = std::nullopt);
// "auto", "float32", "bfloat16", "float64": auto is float32 on the CPU and bfloat16 on CUDA.
torch::Dtype resolve_dtype(const std::string& name, torch::Device device);
std::string dtype_text(torch::Dtype dtype);

}  // namespace unlearn::run
