// Runs a CUDA kernel and its CPU twin on the same tensors: on a GPU, and everywhere in emulation
// (emulation/cuda_runtime.h), which runs the same source.
#pragma once

#include <gtest/gtest.h>
#include <torch/cuda.h>
#include <torch/types.h>

#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "unlearn/kernels/cuda_library.h"

namespace unlearn::kernels {

using torch::Tensor;

enum class Where { kEmulated, kGpu };

inline CudaLibrary emulated_library() {
  return {.adamw = unlearn_cuda_adamw,
          .sum_squares = unlearn_cuda_sum_squares,
          .row_lse = unlearn_cuda_row_lse,
          .row_dlogits = unlearn_cuda_row_dlogits,
          .row_kl = unlearn_cuda_row_kl,
          .rms_norm_forward = unlearn_cuda_rms_norm_forward,
          .rms_norm_backward = unlearn_cuda_rms_norm_backward,
          .rotary = unlearn_cuda_rotary,
          .swiglu_forward = unlearn_cuda_swiglu_forward,
          .swiglu_backward = unlearn_cuda_swiglu_backward,
          .dropout = unlearn_cuda_dropout,
          .fp8_rows = unlearn_cuda_fp8_rows,
          .fp8_columns = unlearn_cuda_fp8_columns,
          .unpack = unlearn_cuda_unpack,
          .error = unlearn_cuda_error};
}

class CudaKernelTest : public ::testing::TestWithParam<std::tuple<Where, torch::Dtype>> {
 protected:
  // A run of a kernel (null: of its twin) on tensors of `device`; returns what it wrote.
  using Run = std::function<std::vector<Tensor>(const CudaLibrary* library, torch::Device device)>;

  void SetUp() override {
    torch::manual_seed(21);
    library_ = emulated_library();
    if (std::get<Where>(GetParam()) == Where::kEmulated) return;
    if (const std::string missing = load_cuda(); !missing.empty()) GTEST_SKIP() << missing;
    if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device here";
    device_ = torch::Device(torch::kCUDA, 0);
    library_ = *cuda_library();
  }
  torch::Dtype torch_dtype() const { return std::get<torch::Dtype>(GetParam()); }
  DType dtype() const {
    return torch_dtype() == torch::kBFloat16  ? DType::kBfloat16
           : torch_dtype() == torch::kFloat64 ? DType::kFloat64
                                              : DType::kFloat32;
  }
  Tensor random(torch::IntArrayRef sizes) const { return torch::randn(sizes).to(torch_dtype()); }

  void expect_close(const Run& run) const {
    const auto [got, twins] = both(run);
    for (size_t i = 0; i < got.size(); ++i) {
      const double rounding = twins[i].scalar_type() == torch::kBFloat16 ? 1.0 / 128 : 1e-5;
      EXPECT_TRUE(
          got[i].to(torch::kDouble).allclose(twins[i].to(torch::kDouble), rounding, rounding))
          << i << ": " << (got[i] - twins[i]).abs().max().item<double>();
    }
  }
  void expect_same_bits(const Run& run, const std::string& what) const {
    const auto [got, twins] = both(run);
    for (size_t i = 0; i < got.size(); ++i)
      EXPECT_TRUE(got[i].equal(twins[i])) << what << ", " << i;
  }

 private:
  std::pair<std::vector<Tensor>, std::vector<Tensor>> both(const Run& run) const {
    std::vector<Tensor> got = run(&library_, device_);
    for (Tensor& tensor : got) tensor = tensor.cpu();
    return {got, run(nullptr, torch::kCPU)};
  }

  torch::Device device_ = torch::kCPU;
  CudaLibrary library_;
};

inline float* floats(const Tensor& tensor) { return static_cast<float*>(tensor.data_ptr()); }

// Suites run in emulation, and on a GPU under the label `gpu`.
template <class... Dtypes>
auto emulated(Dtypes... dtypes) {
  return ::testing::Combine(::testing::Values(Where::kEmulated), ::testing::Values(dtypes...));
}
template <class... Dtypes>
auto on_gpu(Dtypes... dtypes) {
  return ::testing::Combine(::testing::Values(Where::kGpu), ::testing::Values(dtypes...));
}

}  // namespace unlearn::kernels
