// The row functions themselves: values and logit gradients of a chunk of full-vocabulary rows.
#pragma once

#include <torch/types.h>

#include "unlearn/scoring/token_scores.h"

namespace unlearn::scoring {

// A chunk of rows. All logits in fp32 or wider.
struct RowChunk {
  torch::Tensor logits;     // [n, V]
  torch::Tensor reference;  // [n, V] the reference's logits, where the function asks for them
  torch::Tensor targets;    // [n] int64, where the function asks for them
};

// [n] value per row.
torch::Tensor row_function_value(const RowRequest& request, const RowChunk& chunk);

// [n, V] d(value)/d(logits), a fresh tensor.
torch::Tensor row_function_gradient(const RowRequest& request, const RowChunk& chunk);

}  // namespace unlearn::scoring
