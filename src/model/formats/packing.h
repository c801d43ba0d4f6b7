// What the formats' files share.
#pragma once

#include <cstdint>

#include "unlearn/model/weight_format.h"
#include "unlearn/runtime/packed.h"

namespace unlearn::model {

inline int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// x / scale rounded half to even, 0 where the scale is 0.
int8_t round_code(float x, float scale);

// Runs the unpacking kernel of the parts' device; `args` comes with its codes and scales.
torch::Tensor run_unpack(const PackedMatrix& packed, kernels::PackedMatrix args);

}  // namespace unlearn::model
