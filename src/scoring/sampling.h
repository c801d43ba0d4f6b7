// Drawing the next token.
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace unlearn::scoring {

// The token at quantile `draw` (in [0, 1)) of the nucleus of softmax(logits / temperature): the
// smallest set of likeliest tokens with probability top_p, as transformers cuts it, temperature
// first. `logits` [V], on the CPU.
int64_t sample_token(const torch::Tensor& logits, double temperature, double top_p, double draw);

}  // namespace unlearn::scoring
