// Between the blocks of a model, whatever its family: what each puts out, and a pass that goes on
// from another output.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "unlearn/model/causal_lm.h"

namespace unlearn::model {

struct BlockOutputs {
  std::vector<torch::Tensor> blocks;  // [T, d] each, before the final norm
  torch::Tensor final;                // [T, d] behind it, as hidden_states()
};
// One pass.
BlockOutputs run_blocks(CausalLM& model, const PackedIds& batch);

// The final hidden states [T, d] of the same batch where `output` [T, d] stands for what a block
// put out: those of the blocks behind it and, of the last one, of the final norm alone.
torch::Tensor run_behind(CausalLM& model, const PackedIds& batch, int64_t block,
                         const torch::Tensor& output);

}  // namespace unlearn::model
