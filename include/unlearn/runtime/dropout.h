// Dropout whose draws come from counters: which element falls out is a pure function of (seed,
// step, token, layer), so that a resumed run, a second forward in the backward pass, and a step cut
// into other micro-batches all drop the same elements, and no mask is kept.
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace unlearn::runtime {

// One layer's dropout at one moment.
struct DropoutDraw {
  double probability = 0.0;
  uint64_t key = 0;         // of seed, layer and step
  int64_t first_token = 0;  // of the batch, counted within the step
};

// 0 where an element falls out and 1 / (1 - p) elsewhere, shaped and typed as x [T, d].
torch::Tensor dropout_mask(const torch::Tensor& x, const DropoutDraw& draw);

}  // namespace unlearn::runtime
