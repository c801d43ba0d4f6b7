#include "unlearn/scoring/token_scores.h"

#include <algorithm>
#include <limits>

#include "unlearn/core/error.h"
#include "unlearn/runtime/device.h"

namespace unlearn::scoring {
namespace {

// [S] int64 on the device of `like`.
torch::Tensor differences(const std::vector<int64_t>& offsets, const torch::Tensor& like) {
  const auto bounds = torch::tensor(offsets, torch::kInt64);
  if (bounds.numel() < 2) {
    return torch::empty({0}, torch::kInt64).to(like.device());
  }
  return runtime::upload(bounds.slice(0, 1) - bounds.slice(0, 0, -1), like.device());
}

}  // namespace

bool needs_reference(RowFunction function) {
  return function == RowFunction::kForwardKl || function == RowFunction::kUndial ||
         function == RowFunction::kRawNpo || function == RowFunction::kRawKl;
}

bool needs_targets(RowFunction function) {
  return function == RowFunction::kCeu || function == RowFunction::kUndial;
}

torch::Tensor TokenScores::lengths() const {
  const torch::Tensor& like = logp.defined() ? logp : hidden;
  return differences(offsets, like).to(like.scalar_type());
}

std::vector<int64_t> row_positions(const data::Example& example, RowPositions positions,
                                   int64_t skip) {
  std::vector<int64_t> rows;
  const size_t end = example.tokens.size() - (reads_last_token(positions) ? 0 : 1);
  for (size_t t = 0; t < end; ++t) {
    const bool taken =
        positions == RowPositions::kAttended || positions == RowPositions::kAll ||
        (positions == RowPositions::kLabels && example.labels[t + 1] != data::kIgnored) ||
        (positions == RowPositions::kLabelTokens && t > 0 && example.labels[t] != data::kIgnored);
    if (taken && skip-- <= 0) rows.push_back(static_cast<int64_t>(t));
  }
  return rows;
}

int64_t row_end(const std::vector<const data::Example*>& examples, const RowRequest& request) {
  if (!request.to_longest) return std::numeric_limits<int64_t>::max();
  int64_t longest = 0;
  for (const data::Example* example : examples) {
    longest = std::max(longest, static_cast<int64_t>(example->tokens.size()) - example->num_added);
  }
  return longest - (reads_last_token(request.positions) ? 0 : 1);
}

// segment_reduce and not index_add: its sums come in a fixed order on every device.
torch::Tensor TokenScores::sum_per_sequence(const torch::Tensor& per_label) const {
  UNLEARN_CHECK(per_label.dim() == 1 && per_label.size(0) == num_labels(), "per_label holds ",
                per_label.numel(), " values for ", num_labels(), " labels");
  if (num_sequences() == 0) {
    return per_label.new_zeros({0});
  }
  return torch::segment_reduce(per_label, "sum", differences(offsets, per_label), {}, {}, 0,
                               /*unsafe=*/true, /*initial=*/0.0);
}

}  // namespace unlearn::scoring
