// Linear layers that compute in FP8 (Micikevicius et al., arXiv 2209.05433).
#pragma once

#include <cstdint>

#include "unlearn/model/causal_lm.h"

namespace unlearn::model {

// From here on the forward pass of the model's linear layers and the gradient of their inputs are
// products of e4m3 numbers, each row of a factor with a scale of its own; the gradient of the
// weight stays in bf16, and so do the head, attention, and layers whose widths are no multiple
// of 16. The weights themselves stay as they are. The model is in bf16, and its layers are plain
// ones. Returns how many layers compute so.
int64_t use_fp8(CausalLM& model);

}  // namespace unlearn::model
