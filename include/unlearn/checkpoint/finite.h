// Whether numbers are finite, as fast as they can be read.
#pragma once

#include <torch/types.h>

#include <cstddef>

namespace unlearn::checkpoint {

// Whether a floating-point number among these bytes is a NaN or an infinity; false for other
// dtypes.
bool has_nonfinite(const char* data, size_t bytes, torch::Dtype dtype);
// The same of a tensor on any device, contiguous on the CPU.
bool has_nonfinite(const torch::Tensor& tensor);

}  // namespace unlearn::checkpoint
