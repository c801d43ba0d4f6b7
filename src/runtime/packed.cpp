#include "unlearn/runtime/packed.h"

#include <ATen/Parallel.h>

#include "runtime/launch.h"

namespace unlearn::runtime {

torch::Tensor unpack(kernels::PackedMatrix args, torch::Dtype dtype, torch::Device device) {
  const bool has_kernel = dtype == torch::kFloat || dtype == torch::kBFloat16;
  const torch::Tensor out = torch::empty(
      {args.rows, args.columns}, torch::dtype(has_kernel ? dtype : torch::kFloat).device(device));
  args.dtype = kernel_dtype(out.scalar_type());
  args.out = out.data_ptr();
  if (out.is_cpu()) {
    at::parallel_for(0, kernels::unpack_units(args), args.bits == 8 ? 16 : 256,
                     [&](int64_t begin, int64_t end) { kernels::unpack_cpu(args, begin, end); });
  } else {
    check_launch(loaded_kernels().unpack(&args, current_stream(device)), "unpack");
  }
  return out.to(dtype);
}

}  // namespace unlearn::runtime
