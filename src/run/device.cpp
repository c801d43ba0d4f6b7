#include "unlearn/run/device.h"

#include <torch/cuda.h>

#include <filesystem>

#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/model/device_kernels.h"

namespace unlearn::run {
namespace {

// The GPU of a process among several on this machine, or the only one that it sees.
int64_t own_gpu(int64_t process) {
  const auto count = static_cast<int64_t>(torch::cuda::device_count());
  if (count == 1) return 0;
  if (process >= count) {
    user_error("device: there are ", count, " GPUs and more processes on this machine; start ",
               count, ", or use --device cpu");
  }
  return process;
}

torch::Device find_device(const std::string& name, std::optional<int64_t> process) {
  // LibTorch's CUDA half takes seconds to load: only where there is a driver, or when asked for.
  const bool wants_cuda =
      name == "auto" ? std::filesystem::exists("/dev/nvidiactl") : name.starts_with("cuda");
  if (process && name.starts_with("cuda:")) {
    user_error("--device ", name, ": is one GPU, which several processes would share; use cuda");
  }
  const std::string missing = wants_cuda ? model::enable_cuda() : "";
  const bool has_cuda = wants_cuda && missing.empty() && torch::cuda::is_available();
  if (name == "auto" && !missing.empty()) log::info("running on the CPU: ", missing);
  if (name == "cpu" || (name == "auto" && !has_cuda)) return torch::kCPU;
  if (name != "auto" && name != "cuda" && !name.starts_with("cuda:")) {
    user_error("--device: must be auto, cpu, cuda or cuda:N, not '", name, "'");
  }
  if (!has_cuda) {
    user_error("--device ", name, ": ",
               missing.empty() ? "no CUDA device is available here" : missing,
               "; use --device cpu");
  }
  int64_t index = process ? own_gpu(*process) : 0;
  if (name.starts_with("cuda:")) {
    const std::string digits = name.substr(5);
    const bool is_number = !digits.empty() && digits.size() < 4 &&
                           digits.find_first_not_of("0123456789") == std::string::npos;
    index = is_number ? std::stoll(digits) : -1;
  }
  const auto count = static_cast<int64_t>(torch::cuda::device_count());
  if (index < 0 || index >= count) {
    user_error("--device ", name, ": there are devices cuda:0 to cuda:", count - 1);
  }
  return {torch::kCUDA, static_cast<torch::DeviceIndex>(index)};
}

}  // namespace

torch::Device resolve_device(const std::string& name, std::optional<int64_t> process) {
  const torch::Device device = find_device(name, process);
  model::use_device(device);
  return device;
}

torch::Dtype resolve_dtype(const std::string& name, torch::Device device) {
  if (name == "float32") return torch::kFloat32;
  if (name == "bfloat16") return torch::kBFloat16;
  if (name == "float64") return torch::kFloat64;
  if (name == "float16") return torch::kFloat16;
  UNLEARN_CHECK(name == "auto", name);
  return device.is_cuda() ? torch::kBFloat16 : torch::kFloat32;
}

std::string dtype_text(torch::Dtype dtype) {
  switch (dtype) {
    case torch::kFloat32:
      return "float32";
    case torch::kBFloat16:
      return "bfloat16";
    case torch::kFloat64:
      return "float64";
    case torch::kFloat16:
      return "float16";
    default:
      return c10::toString(dtype);
  }
}

}  // namespace unlearn::run
