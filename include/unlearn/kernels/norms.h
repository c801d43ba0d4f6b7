// The global gradient norm: sums of squares over many tensors.
#pragma once

#include "unlearn/kernels/portable.h"

namespace unlearn::kernels {

struct NormTensor {
  const void* values = nullptr;
  int64_t size = 0;
};

// Sum of squares of elements [begin, end), in fp64.
double sum_squares_cpu(const NormTensor& tensor, DType dtype, int64_t begin, int64_t end);

}  // namespace unlearn::kernels
