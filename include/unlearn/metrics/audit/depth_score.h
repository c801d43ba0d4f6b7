// Unlearning Depth Score (arXiv 2605.24614): how far down the layers knowledge is gone. Of one row,
// the log-probability of its entity falls by delta_l when the original's block l is replaced by
// another model's: by `retain` with the retrained model (what the block contributes), by
// `unlearned` with the unlearned one (how much of that is gone).
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace unlearn::metrics::audit {

struct LayerFalls {
  std::vector<double> retain, unlearned;  // per layer
};

// Sum over the layers with retain > 0.05 of retain * clip(unlearned / retain, 0, 1), over the sum
// of their `retain`: 1 = erased as in the retrained model, 0 = intact. None without such a layer.
std::optional<double> row_depth_score(const LayerFalls& falls);
// Mean over the rows that have one; none when no row has.
std::optional<double> depth_score(std::span<const LayerFalls> rows);

}  // namespace unlearn::metrics::audit
