// Numbers that need a position's whole vocabulary row: what is computed of a row, and which rows a
// loss asks for.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "unlearn/data/example.h"

namespace unlearn::scoring {

struct RowRequest;

// A chunk of rows. All logits in fp32 or wider.
struct RowChunk {
  torch::Tensor logits;     // [n, V]
  torch::Tensor reference;  // [n, V] the reference's logits, where the function asks for them
  torch::Tensor targets;    // [n] int64, where the function asks for them
};

// A kernel that does what value and gradient below do, in one pass over the logits.
struct RowKernel {
  bool (*fits)(const RowChunk& chunk);
  // `values` [n] <- the values, the chunk's logits <- their gradients.
  void (*run)(const RowChunk& chunk, torch::Tensor values);
};

// A number per row of logits z; computed chunk by chunk with its own backward (row_values() in
// token_logprob.h). Every function is a constant of static lifetime: a request holds its address.
struct RowFunction {
  const char* name;
  bool needs_reference = false;
  bool needs_targets = false;
  // [n] value per row.
  torch::Tensor (*value)(const RowRequest& request, const RowChunk& chunk);
  // [n, V] d(value)/d(logits), a fresh tensor.
  torch::Tensor (*gradient)(const RowRequest& request, const RowChunk& chunk);
  const RowKernel* kernel = nullptr;  // null: there is none
};

// sum_v p_ref (log p_ref - log p), p = softmax(z).
const RowFunction& forward_kl();

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

// The first position at which no example of a micro-batch (of one role) is looked at any more.
using RowEnd = int64_t (*)(const std::vector<const data::Example*>& examples,
                           RowPositions positions);

// What a loss asks of one role's rows.
struct RowRequest {
  const RowFunction* function = nullptr;  // null: no rows are asked for
  RowPositions positions = RowPositions::kAttended;
  int64_t skip = 0;   // leave out this many positions at the start of each sequence
  double beta = 0.0;  // the function's own numbers
  double margin = 0.0;
  // The vocabulary entry that counts as the label at a position that predicts none; negative:
  // counted from the end.
  int64_t missing_label = 0;
  // Unset: each example is looked at to its own end. Not in row_positions(), which knows one
  // sequence.
  RowEnd end = nullptr;

  bool needs_reference() const { return function != nullptr && function->needs_reference; }
};

// Which positions of an example are looked at, in the coordinates of its tokens.
std::vector<int64_t> row_positions(const data::Example& example, RowPositions positions,
                                   int64_t skip = 0);

// Where looking ends among one role's examples of a micro-batch: request.end, or the largest number
// where it is unset.
int64_t row_end(const std::vector<const data::Example*>& examples, const RowRequest& request);

}  // namespace unlearn::scoring
