#include "unlearn/runtime/dropout.h"

#include <ATen/Parallel.h>

#include "runtime/launch.h"
#include "unlearn/core/error.h"
#include "unlearn/kernels/dropout.h"

namespace unlearn::runtime {

torch::Tensor dropout_mask(const torch::Tensor& x, const DropoutDraw& draw) {
  UNLEARN_CHECK(x.dim() == 2 && draw.probability >= 0 && draw.probability < 1);
  const kernels::CudaLibrary* library = kernels_for(x);
  const auto dtype = x.scalar_type();
  const bool is_direct = dtype == torch::kFloat32 || dtype == torch::kBFloat16;
  // Any other dtype gets an fp32 mask of the CPU, converted.
  torch::Tensor mask =
      torch::empty(x.sizes(), is_direct ? x.options() : torch::TensorOptions(torch::kFloat32));
  const kernels::DropoutArgs args{
      .dtype = kernel_dtype(mask.scalar_type()),
      .out = mask.data_ptr(),
      .rows = x.size(0),
      .columns = x.size(1),
      .kept = static_cast<float>(1.0 / (1.0 - draw.probability)),
      .threshold = static_cast<uint64_t>(draw.probability * 4294967296.0),
      .key = draw.key,
      .first_token = draw.first_token};
  if (library != nullptr) {
    check_launch(library->dropout(&args, current_stream(x.device())), "dropout");
    return mask;
  }
  at::parallel_for(0, args.rows, 16,
                   [&](int64_t begin, int64_t end) { kernels::dropout_cpu(args, begin, end); });
  return mask.to(x.options());
}

}  // namespace unlearn::runtime
