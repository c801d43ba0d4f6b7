// Matrices in few bits, back to plain ones.
#pragma once

#include <torch/types.h>

#include "unlearn/kernels/packed.h"

namespace unlearn::runtime {

// Runs the unpacking kernel of the device that the codes and scales of `args` lie on; its dtype and
// out are set here. Returns [args.rows, args.columns] of `dtype`.
torch::Tensor unpack(kernels::PackedMatrix args, torch::Dtype dtype, torch::Device device);

}  // namespace unlearn::runtime
