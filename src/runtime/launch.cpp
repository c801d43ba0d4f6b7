#include "runtime/launch.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include "unlearn/core/error.h"
#include "unlearn/runtime/device.h"

namespace unlearn::runtime {

const kernels::CudaLibrary* kernels_for(const torch::Tensor& tensor) {
  const auto dtype = tensor.scalar_type();
  const bool fits = tensor.is_cuda() && (dtype == torch::kFloat32 || dtype == torch::kBFloat16);
  return fits ? kernels::cuda_library() : nullptr;
}

const kernels::CudaLibrary& loaded_kernels() {
  const kernels::CudaLibrary* library = kernels::cuda_library();
  UNLEARN_CHECK(library != nullptr, "CUDA kernels are not loaded");
  return *library;
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

}  // namespace unlearn::runtime
