#include "unlearn/model/device_kernels.h"

#include <ATen/Context.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <cstdlib>

#include "unlearn/core/error.h"

namespace unlearn::model {

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

const kernels::CudaLibrary* kernels_for(const torch::Tensor& tensor) {
  const auto dtype = tensor.scalar_type();
  const bool fits = tensor.is_cuda() && (dtype == torch::kFloat32 || dtype == torch::kBFloat16);
  return fits ? kernels::cuda_library() : nullptr;
}

kernels::DType kernel_dtype(torch::Dtype dtype) {
  if (dtype == torch::kFloat64) return kernels::DType::kFloat64;
  UNLEARN_CHECK(dtype == torch::kFloat32 || dtype == torch::kBFloat16, "no kernel for ",
                c10::toString(dtype));
  return dtype == torch::kBFloat16 ? kernels::DType::kBfloat16 : kernels::DType::kFloat32;
}

void* current_stream(torch::Device device) {
  return c10::impl::VirtualGuardImpl(device.type()).getStream(device).native_handle();
}

void check_launch(int code, const char* kernel) {
  UNLEARN_CHECK(code == 0, kernel, ": ", kernels::cuda_library()->error(code));
}

DeviceWork work_table(const std::vector<int64_t>& sizes, torch::Device device) {
  std::vector<int64_t> first = {0};
  for (const int64_t size : sizes) {
    first.push_back(first.back() + (size + kernels::kWorkChunk - 1) / kernels::kWorkChunk);
  }
  DeviceWork work;
  work.first = upload(first, device);
  work.table = {work.first.const_data_ptr<int64_t>(), static_cast<int64_t>(sizes.size()),
                first.back()};
  return work;
}

}  // namespace unlearn::model
