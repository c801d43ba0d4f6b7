#include "model/formats/packing.h"

#include <ATen/Parallel.h>

#include <cmath>

#include "unlearn/core/error.h"
#include "unlearn/model/device_kernels.h"

namespace unlearn::model {

int8_t round_code(float x, float scale) {
  return scale == 0.0F ? int8_t{0} : static_cast<int8_t>(std::nearbyintf(x / scale));
}

torch::Tensor run_unpack(const PackedMatrix& packed, kernels::PackedMatrix args) {
  const bool has_kernel = packed.dtype == torch::kFloat || packed.dtype == torch::kBFloat16;
  const auto options = torch::TensorOptions().device(packed.device());
  const torch::Tensor out = torch::empty({packed.rows, packed.columns},
                                         options.dtype(has_kernel ? packed.dtype : torch::kFloat));
  args.dtype = kernel_dtype(out.scalar_type());
  args.out = out.data_ptr();
  args.rows = packed.rows;
  args.columns = packed.columns;
  if (out.is_cpu()) {
    at::parallel_for(0, kernels::unpack_units(args), args.bits == 8 ? 16 : 256,
                     [&](int64_t begin, int64_t end) { kernels::unpack_cpu(args, begin, end); });
  } else {
    const kernels::CudaLibrary* library = kernels_for(out);
    UNLEARN_CHECK(library != nullptr, "CUDA kernels are not loaded");
    check_launch(library->unpack(&args, current_stream(out.device())), "unpack");
  }
  return out.to(packed.dtype);
}

}  // namespace unlearn::model
