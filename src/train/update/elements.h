// Arithmetic on own elements in pieces, so that no temporary is as large as a tensor.
#pragma once

#include <torch/types.h>

#include <algorithm>
#include <cstdint>

namespace unlearn::train {

constexpr int64_t kChunkElements = int64_t{1} << 20;

// Calls visit(begin, size) for the chunks of `elements`.
template <class Visit>
void for_chunks(int64_t elements, const Visit& visit) {
  for (int64_t begin = 0; begin < elements; begin += kChunkElements) {
    visit(begin, std::min(kChunkElements, elements - begin));
  }
}

// Inner product of two tensors of the same size, in fp64, as a tensor of no dimensions.
torch::Tensor inner_product(const torch::Tensor& a, const torch::Tensor& b);

// fp32 values as bf16, rounded up or down at random so that the mean is the value. The bits depend
// on `key` and the place of each element: `first` is the first one's.
torch::Tensor round_at_random(const torch::Tensor& values, uint64_t key, int64_t first);

}  // namespace unlearn::train
