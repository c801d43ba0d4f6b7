#include "unlearn/runtime/fp8.h"

#include <ATen/Parallel.h>
#include <ATen/ops/_scaled_mm.h>

#include "runtime/launch.h"
#include "unlearn/core/error.h"
#include "unlearn/kernels/fp8.h"

namespace unlearn::runtime {
namespace {

Fp8Rows convert(const torch::Tensor& x, bool by_columns) {
  UNLEARN_CHECK(x.dim() == 2 && x.is_contiguous());
  const int64_t lines = x.size(by_columns ? 1 : 0);
  const int64_t length = x.size(by_columns ? 0 : 1);
  Fp8Rows result{torch::empty({lines, length}, x.options().dtype(torch::kFloat8_e4m3fn)),
                 torch::empty({lines}, x.options().dtype(torch::kFloat))};
  const kernels::Fp8Matrix args{.dtype = kernel_dtype(x.scalar_type()),
                                .x = x.const_data_ptr(),
                                .codes = static_cast<uint8_t*>(result.codes.data_ptr()),
                                .scale = static_cast<float*>(result.scale.data_ptr()),
                                .rows = x.size(0),
                                .width = x.size(1)};
  if (const kernels::CudaLibrary* library = kernels_for(x)) {
    void* stream = current_stream(x.device());
    check_launch(
        by_columns ? library->fp8_columns(&args, stream) : library->fp8_rows(&args, stream), "fp8");
    return result;
  }
  at::parallel_for(0, lines, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    (by_columns ? kernels::fp8_columns_cpu : kernels::fp8_rows_cpu)(args, begin, end);
  });
  return result;
}

}  // namespace

Fp8Rows fp8_rows(const torch::Tensor& x) { return convert(x, /*by_columns=*/false); }

Fp8Rows fp8_columns(const torch::Tensor& x) { return convert(x, /*by_columns=*/true); }

torch::Tensor fp8_product(const Fp8Rows& a, const Fp8Rows& b, const torch::Tensor& bias) {
  const torch::Tensor scale_a = a.scale.unsqueeze(1), scale_b = b.scale.unsqueeze(0);
  if (a.codes.is_cuda()) {
    return at::_scaled_mm(a.codes, b.codes.t(), scale_a, scale_b,
                          bias.defined() ? std::optional<torch::Tensor>(bias) : std::nullopt,
                          std::nullopt, torch::kBFloat16);
  }
  torch::Tensor sum = at::mm(a.codes.to(torch::kFloat), b.codes.to(torch::kFloat).t());
  sum.mul_(scale_a).mul_(scale_b);
  if (bias.defined()) sum.add_(bias);
  return sum.to(torch::kBFloat16);
}

}  // namespace unlearn::runtime
