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
  torch::Tensor logp;                          // [N] log pi(y_t | …), fp32 or wider, or undefined
  torch::Tensor reference_logp;                // [N] the same under the reference, or undefined
  torch::Tensor row_values;                    // [P] what the role's RowRequest asks for
  std::vector<int64_t> row_offsets;            // [S + 1] position boundaries of the sequences
  torch::Tensor hidden;            // [N, d] output of a block at the label tokens, fp32 or wider
  torch::Tensor reference_hidden;  // [N, d] the same under the reference, or undefined

  int64_t num_sequences() const { return static_cast<int64_t>(examples.size()); }
  int64_t num_labels() const { return offsets.empty() ? 0 : offsets.back(); }
  // [S] number of labels, in logp's dtype (hidden's where there is no logp).
  torch::Tensor lengths() const;
  // [S] sum over each sequence of a per-label tensor [N].
  torch::Tensor sum_per_sequence(const torch::Tensor& per_label) const;
};

}  // namespace unlearn::scoring
