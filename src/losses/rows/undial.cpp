// UNDIAL's row: -sum_v q log p, q = softmax(z_ref with z_y lowered by beta): the reference's
// distribution with a less likely label y.
#include "losses/rows/cross_entropy.h"

namespace unlearn::losses {
namespace {

torch::Tensor undial_teacher(const scoring::RowRequest& request, const scoring::RowChunk& chunk) {
  const torch::Tensor at = chunk.targets.unsqueeze(1);
  const torch::Tensor shift = torch::full_like(at, -request.beta, chunk.reference.options());
  return chunk.reference.scatter_add(1, at, shift).softmax(1);
}

torch::Tensor undial_value(const scoring::RowRequest& request, const scoring::RowChunk& chunk) {
  return cross_entropy_value(chunk.logits, undial_teacher(request, chunk));
}

torch::Tensor undial_gradient(const scoring::RowRequest& request, const scoring::RowChunk& chunk) {
  return cross_entropy_gradient(chunk.logits, undial_teacher(request, chunk));
}

}  // namespace

const scoring::RowFunction& row_undial() {
  static constexpr scoring::RowFunction function{.name = "undial",
                                                 .needs_reference = true,
                                                 .needs_targets = true,
                                                 .value = undial_value,
                                                 .gradient = undial_gradient};
  return function;
}

}  // namespace unlearn::losses
