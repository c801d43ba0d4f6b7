// What a forward pass says about the label tokens of a batch: the only thing losses and metrics
// see.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "unlearn/data/example.h"

namespace unlearn::scoring {

// Scores of one role's sequences in one batch. S sequences, N label tokens, P full-row positions.
struct TokenScores {
  std::vector<const data::Example*> examples;  // [S]
  std::vector<int64_t> offsets;                // [S + 1] label boundaries of the sequences
  torch::Tensor logp;                // [N] log pi(y_t | …), fp32 or wider, differentiable
  torch::Tensor reference_logp;      // [N] the same under the reference, or undefined
  torch::Tensor row_values;          // [P] what Needs::rows asks for per position
  std::vector<int64_t> row_offsets;  // [S + 1] position boundaries of the sequences
  torch::Tensor hidden;              // [H, d] states of layer Needs::hidden_layer, or undefined
  torch::Tensor reference_hidden;    // [H, d] or undefined

  int64_t num_sequences() const { return static_cast<int64_t>(examples.size()); }
  int64_t num_labels() const { return offsets.empty() ? 0 : offsets.back(); }
  // [N] index of the sequence each label belongs to.
  torch::Tensor sequence_index() const;
  // [S] number of labels, in logp's dtype.
  torch::Tensor lengths() const;
  // [S] sum over each sequence of a per-label tensor [N].
  torch::Tensor sum_per_sequence(const torch::Tensor& per_label) const;
};

// A value per position that needs the whole vocabulary row; computed in chunks with its own
// backward.
enum class RowFunction {
  kNone,
  kForwardKl,  // sum_v p_ref (log p_ref - log p)
};

// Which positions full-row values are taken at.
enum class RowPositions {
  kAttended,  // every input token of the sequence
  kLabels,    // positions that predict a label
};

}  // namespace unlearn::scoring
