// CE-U's row: -sum_v q log p, q = softmax(z with z_y = -inf) without gradient: the row's own
// distribution without the label y.
#include <limits>

#include "losses/rows/cross_entropy.h"

namespace unlearn::losses {
namespace {

torch::Tensor ceu_teacher(const scoring::RowChunk& chunk) {
  return chunk.logits
      .scatter(1, chunk.targets.unsqueeze(1), -std::numeric_limits<double>::infinity())
      .softmax(1);
}

torch::Tensor ceu_value(const scoring::RowRequest&, const scoring::RowChunk& chunk) {
  return cross_entropy_value(chunk.logits, ceu_teacher(chunk));
}

torch::Tensor ceu_gradient(const scoring::RowRequest&, const scoring::RowChunk& chunk) {
  return cross_entropy_gradient(chunk.logits, ceu_teacher(chunk));
}

}  // namespace

const scoring::RowFunction& row_ceu() {
  static constexpr scoring::RowFunction function{
      .name = "ceu", .needs_targets = true, .value = ceu_value, .gradient = ceu_gradient};
  return function;
}

}  // namespace unlearn::losses
