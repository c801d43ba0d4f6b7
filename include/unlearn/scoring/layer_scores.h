// What the blocks of one model know of given tokens, told by another: outputs of its blocks put in
// the place of the other's (activation patching), or read by the other's final norm and head (logit
// lens). Source: Unlearning Depth Score (arXiv 2605.24614, gnueaj/unlearning-depth-score).
#pragma once

#include <cstdint>
#include <vector>

#include "unlearn/data/example.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::scoring {

// Of one example: means of log p over its labels, in nats.
struct LayerScores {
  double whole = 0;  // the reader as it is
  // The reader with its block l's output at the positions that predict the labels taken from the
  // source, per block.
  std::vector<double> patched;
  // Outputs of block l read by the reader's final norm and head: its own and the source's.
  std::vector<double> lens_reader, lens_source;
};

struct LayerScoresOptions {
  // What stands for the output of the source's last block: false: its final hidden state, which the
  // reader's final norm norms once more, as transformers' hidden_states make the repository do it.
  bool pre_norm = false;
  int64_t batch_tokens = 0;  // input tokens of a pack; 0: one example at a time
};

// Both models have the same sizes and stand on one device. Without gradient.
std::vector<LayerScores> layer_scores(model::CausalLM& reader, model::CausalLM& source,
                                      const std::vector<const data::Example*>& examples,
                                      const LayerScoresOptions& options = {});

}  // namespace unlearn::scoring
