#include "model/formats/packing.h"

#include <cmath>

namespace unlearn::model {

int8_t round_code(float x, float scale) {
  return scale == 0.0F ? int8_t{0} : static_cast<int8_t>(std::nearbyintf(x / scale));
}

torch::Tensor run_unpack(const PackedMatrix& packed, kernels::PackedMatrix args) {
  args.rows = packed.rows;
  args.columns = packed.columns;
  return runtime::unpack(args, packed.dtype, packed.device());
}

}  // namespace unlearn::model
