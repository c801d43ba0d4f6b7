#include "unlearn/runtime/device.h"

#include <ATen/Context.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <cstdlib>

#include "unlearn/kernels/cuda_library.h"

namespace unlearn::runtime {

std::string enable_cuda() {
  // Step sizes vary with the lengths of texts; growing segments keep freed memory usable.
  if (std::getenv("PYTORCH_ALLOC_CONF") == nullptr) {
    setenv("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True", /*overwrite=*/0);
  }
  return kernels::load_cuda();
}

void use_device(torch::Device device) {
  if (!device.is_cpu()) c10::impl::VirtualGuardImpl(device.type()).setDevice(device);
}

void set_deterministic() {
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
  // Everything is written before it is read; filling memory first would only cost time.
  at::globalContext().setDeterministicFillUninitializedMemory(false);
}

torch::Tensor upload(const torch::Tensor& host, torch::Device device) {
  return host.to(device, /*non_blocking=*/true);
}

torch::Tensor upload(const std::vector<int64_t>& values, torch::Device device) {
  return upload(torch::tensor(values, torch::kInt64), device);
}

}  // namespace unlearn::runtime
