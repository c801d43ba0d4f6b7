// The one place where hidden states become token log-probabilities: logits of label rows only, fp32
// log-sum-exp, in chunks, with its own backward. [N, V] never exists beyond the chunk budget.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "unlearn/model/causal_lm.h"
#include "unlearn/scoring/row_request.h"

namespace unlearn::scoring {

// How much memory logits may take. The values here keep a chunk near a CPU's caches.
struct LogitsOptions {
  // On a GPU every further chunk reads and writes the head's whole gradient again: large ones.
  static LogitsOptions of(torch::Device device);

  int64_t chunk_bytes = int64_t{48} << 20;  // logits alive at a time
  // As many rows as fit keep their logit gradients for the backward pass, which then multiplies by
  // the head once instead of twice; each function below has this much.
  int64_t store_bytes = int64_t{96} << 20;
};

// log pi(targets[i]) given hidden rows: rows [N, d], targets [N] int64 -> [N] fp32 (fp64 for fp64
// rows). Differentiable in rows, head.weight and head.bias.
torch::Tensor token_logprob(const torch::Tensor& rows, const model::Head& head,
                            const torch::Tensor& targets, const LogitsOptions& options = {});

// Labels to look up in rows of logits; several may ask for one row.
struct RowLabels {
  torch::Tensor targets;  // [N] int64
  torch::Tensor rows;     // [N] int64 each label's row; undefined: label i is asked of row i
};

// What one no-gradient pass over label rows can tell, all [N].
struct RowStatistics {
  torch::Tensor logp;            // log pi(target)
  torch::Tensor argmax_matches;  // bool: the most likely token is the target
  torch::Tensor mean_logp;       // sum_v p log p
  torch::Tensor variance_logp;   // sum_v p (log p)^2 - mean^2
};
// `moments` also fills mean and variance (one more pass over the logits).
RowStatistics row_statistics(const torch::Tensor& rows, const model::Head& head,
                             const RowLabels& labels, bool moments,
                             const LogitsOptions& options = {});

// What a row function compares the rows with, where it asks.
struct RowComparison {
  torch::Tensor reference_rows;  // [P, d_ref] the reference's rows
  model::Head reference_head;    // its own head, of the same vocabulary
  torch::Tensor targets;         // [P] int64 label of each row
};

// The request's function of every full-vocabulary row [P], fp32 or wider. Differentiable in rows,
// head.weight and head.bias.
torch::Tensor row_values(const RowRequest& request, const torch::Tensor& rows,
                         const model::Head& head, const RowComparison& comparison,
                         const LogitsOptions& options = {});

// Logits [n, V] in fp32 or wider of a few rows (generation).
torch::Tensor logits(const torch::Tensor& rows, const model::Head& head);

}  // namespace unlearn::scoring
