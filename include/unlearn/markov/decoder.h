// The small decoder of the synthetic experiment, as Unlearn-Simple's `synthetic/` codes it: blocks
// of single-head causal attention and a ReLU MLP, each followed by residual addition and LayerNorm
// (post-norm); learned tokens and positions, no final norm, an output layer with a bias.
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "unlearn/markov/sequences.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::markov {

struct DecoderOptions {
  int64_t width = 128;
  int64_t blocks = 4;
  int64_t positions = 19;
};

class Decoder : public torch::nn::Module {
 public:
  // Initialised as PyTorch does by default (embedding N(0, 1), linear layers U(-1/sqrt(fan_in),
  // 1/sqrt(fan_in)), norms 1 and 0), positions N(0, 0.02).
  Decoder(const DecoderOptions& options, uint64_t seed);

  // Same weights in tensors of its own.
  std::shared_ptr<Decoder> copy() const;

  // States [B, T] int64, T <= positions -> hidden states [B, T, width].
  torch::Tensor hidden_states(const torch::Tensor& states) const;
  model::Head head() const { return {output_weight_, output_bias_}; }

 private:
  struct Block {
    torch::Tensor qkv;  // [3 width, width]: query, key and value rows
    torch::Tensor norm1_weight, norm1_bias;
    torch::Tensor up_weight, up_bias, down_weight, down_bias;
    torch::Tensor norm2_weight, norm2_bias;
  };
  Block make_block(const std::string& prefix, torch::Generator& generator);
  torch::Tensor run_block(const Block& block, const torch::Tensor& hidden, const torch::Tensor& qkv,
                          const torch::Tensor& mask) const;

  DecoderOptions options_;
  torch::Tensor tokens_, positions_;
  std::vector<Block> blocks_;
  torch::Tensor output_weight_, output_bias_;
};

// Where a batch predicts: all transitions of all sequences, sequence after sequence; N in total.
struct Transitions {
  torch::Tensor hidden;          // [N, width]
  torch::Tensor from, to;        // [N] int64: current and next state
  torch::Tensor sources;         // [N] int64
  std::vector<int64_t> offsets;  // [B + 1] boundaries of the sequences
};

// One forward pass over the batch.
Transitions run_decoder(const Decoder& decoder, const SequenceSet& batch);

}  // namespace unlearn::markov
