// The small decoders of the synthetic experiment: the one that Unlearn-Simple's `synthetic/` codes,
// and the GPT-2 that the paper's text describes.
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "unlearn/config/named.h"
#include "unlearn/markov/sequences.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::markov {

enum class Architecture : uint8_t { kUsSynthetic, kGpt2 };
inline constexpr config::Named<Architecture> kArchitectures[] = {
    {Architecture::kUsSynthetic, "us-synthetic"}, {Architecture::kGpt2, "gpt2"}};

struct DecoderOptions {
  int64_t width = 128;
  int64_t blocks = 4;
  int64_t positions = 19;
  Architecture arch = Architecture::kUsSynthetic;
  int64_t heads = 4;  // gpt2's; the other always has one
};

class Decoder : public torch::nn::Module {
 public:
  // Same weights in tensors of its own.
  virtual std::shared_ptr<Decoder> copy() const = 0;
  // States [B, T] int64, T <= positions -> hidden states [B, T, width].
  virtual torch::Tensor hidden_states(const torch::Tensor& states) const = 0;
  virtual model::Head head() const = 0;
};

// us-synthetic: blocks of single-head causal attention and a ReLU MLP, each followed by residual
// addition and LayerNorm (post-norm); learned tokens and positions, no final norm, an output layer
// with a bias. Initialised as PyTorch does by default (embedding N(0, 1), linear layers
// U(-1/sqrt(fan_in), 1/sqrt(fan_in)), norms 1 and 0), positions N(0, 0.02).
// gpt2: transformers' GPT-2 of that width, without dropout, its head tied to the tokens; its
// parameters have the names of its checkpoints.
std::shared_ptr<Decoder> make_decoder(const DecoderOptions& options, uint64_t seed);

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
