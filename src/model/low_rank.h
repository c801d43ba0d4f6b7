// What a linear layer may have beside or instead of its plain weight: a trainable low-rank pair
// (LoRA), and a frozen weight in a format of few bits.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>

#include "unlearn/model/causal_lm.h"
#include "unlearn/model/weight_format.h"
#include "unlearn/runtime/dropout.h"

namespace unlearn::model {

struct LowRank {
  torch::Tensor a;  // [rank, in], trainable
  torch::Tensor b;  // [out, rank], trainable
  double scale = 1.0;
  double dropout = 0.0;
  uint64_t key = 0;                              // of seed and layer
  std::shared_ptr<const StepPosition> position;  // where training stands
};

// x W^T + bias + scale * dropout(x) A^T B^T with W frozen: `weight` [out, in], or `packed`, which
// is unpacked anew in each pass. Saves x (shared with its producer), dropout's counters and [T,
// rank]; computes no gradient of W.
struct FrozenLinear {
  torch::Tensor weight;  // undefined when packed
  const PackedMatrix* packed = nullptr;
  torch::Tensor bias;                 // or undefined
  const LowRank* low_rank = nullptr;  // or null
  bool training = false;
};
torch::Tensor frozen_linear(const torch::Tensor& x, const FrozenLinear& layer);

}  // namespace unlearn::model
