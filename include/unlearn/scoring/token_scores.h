// What a forward pass says about the label tokens of a batch: the only thing losses and metrics
// see.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "unlearn/data/example.h"

namespace unlearn::scoring {

// A number per position that needs the whole vocabulary row z; computed in chunks with its own
// backward. p = softmax(z), y the label.
enum class RowFunction : uint8_t {
  kNone,
  kForwardKl,     // sum_v p_ref (log p_ref - log p)
  kCeu,           // -sum_v q log p, q = softmax(z with z_y = -inf) without gradient
  kUndial,        // -sum_v q log p, q = softmax(z_ref with z_y lowered by beta)
  kMaxMinusMean,  // (max_v z - mean_v z)^2
  // The MUSE code's terms over raw logits (train.compat: muse_logits):
  kRawNpo,     // -(2/beta) mean_v log sigmoid(beta (z_ref - z))
  kRawSimNpo,  // -(2/beta) mean_v log sigmoid(-beta z - margin)
  kRawKl,      // sum_v exp(z_ref) (z_ref - z)
};

// What a row is compared with: the reference's row, the label.
bool needs_reference(RowFunction function);
bool needs_targets(RowFunction function);

// Which positions of a sequence are looked at.
enum class RowPositions : uint8_t {
  kAttended,     // every token but the last, whose output predicts nothing
  kLabels,       // positions that predict a label
  kLabelTokens,  // positions of the label tokens themselves, one later
  kAll,          // every token
};
// Whether the model must be run on the last token of a sequence too.
inline bool reads_last_token(RowPositions positions) {
  return positions == RowPositions::kLabelTokens || positions == RowPositions::kAll;
}

// What a loss asks of one role's rows.
struct RowRequest {
  RowFunction function = RowFunction::kNone;
  RowPositions positions = RowPositions::kAttended;
  int64_t skip = 0;   // leave out this many positions at the start of each sequence
  double beta = 0.0;  // the function's beta and margin
  double margin = 0.0;
  // Of padded sequences: only positions up to the longest text of the role in the micro-batch, as
  // if it had been padded to that. Not in row_positions(), which knows one sequence.
  bool to_longest = false;
};

// Which positions of an example are looked at, in the coordinates of its tokens.
std::vector<int64_t> row_positions(const data::Example& example, RowPositions positions,
                                   int64_t skip = 0);

// Where looking ends among one role's examples of a micro-batch: the first position that no example
// is looked at, or the largest number where the request does not ask for it.
int64_t row_end(const std::vector<const data::Example*>& examples, const RowRequest& request);

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
