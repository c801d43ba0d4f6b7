#include "unlearn/scoring/token_scores.h"

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

torch::Tensor TokenScores::lengths() const {
  const torch::Tensor& like = logp.defined() ? logp : hidden;
  return differences(offsets, like).to(like.scalar_type());
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
