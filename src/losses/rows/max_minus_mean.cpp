// PDU's row: (max_v z - mean_v z)^2.
#include "losses/rows.h"

namespace unlearn::losses {
namespace {

torch::Tensor max_minus_mean_value(const scoring::RowRequest&, const scoring::RowChunk& chunk) {
  return (chunk.logits.amax(1) - chunk.logits.mean(1)).square_();
}

torch::Tensor max_minus_mean_gradient(const scoring::RowRequest&, const scoring::RowChunk& chunk) {
  const torch::Tensor& z = chunk.logits;
  const auto [top, at] = z.max(1, /*keepdim=*/true);
  const torch::Tensor twice = (top - z.mean(1, /*keepdim=*/true)).mul_(2.0);
  return (twice / -static_cast<double>(z.size(1))).expand_as(z).clone().scatter_add_(1, at, twice);
}

}  // namespace

const scoring::RowFunction& row_max_minus_mean() {
  static constexpr scoring::RowFunction function{
      .name = "max_minus_mean", .value = max_minus_mean_value, .gradient = max_minus_mean_gradient};
  return function;
}

}  // namespace unlearn::losses
