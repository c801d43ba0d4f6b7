// Rows of the terms that MUSE's and Unlearn-Simple's MUSE code computes on logits where the papers
// have log-probabilities (train.compat: muse_logits).
#include "losses/rows.h"

namespace unlearn::losses {
namespace {

using scoring::RowChunk;
using scoring::RowRequest;
using torch::Tensor;

Tensor raw_npo_argument(const RowRequest& request, const RowChunk& chunk) {
  return (chunk.reference - chunk.logits).mul_(request.beta);
}

Tensor raw_simnpo_argument(const RowRequest& request, const RowChunk& chunk) {
  return chunk.logits.mul(-request.beta).sub_(request.margin);
}

// -(2/beta) mean_v log sigmoid(argument)
template <Tensor (*argument)(const RowRequest&, const RowChunk&)>
Tensor log_sigmoid_value(const RowRequest& request, const RowChunk& chunk) {
  return torch::log_sigmoid(argument(request, chunk)).mean(1) * (-2.0 / request.beta);
}

template <Tensor (*argument)(const RowRequest&, const RowChunk&)>
Tensor log_sigmoid_gradient(const RowRequest& request, const RowChunk& chunk) {
  const auto vocabulary = static_cast<double>(chunk.logits.size(1));
  return argument(request, chunk).neg_().sigmoid_().mul_(2.0 / vocabulary);
}

Tensor raw_kl_value(const RowRequest&, const RowChunk& chunk) {
  return chunk.reference.exp().mul_(chunk.reference - chunk.logits).sum(1);
}

Tensor raw_kl_gradient(const RowRequest&, const RowChunk& chunk) {
  return chunk.reference.exp().neg_();
}

}  // namespace

// -(2/beta) mean_v log sigmoid(beta (z_ref - z))
const scoring::RowFunction& row_raw_npo() {
  static constexpr scoring::RowFunction function{
      .name = "raw_npo",
      .needs_reference = true,
      .value = log_sigmoid_value<raw_npo_argument>,
      .gradient = log_sigmoid_gradient<raw_npo_argument>};
  return function;
}

// -(2/beta) mean_v log sigmoid(-beta z - margin)
const scoring::RowFunction& row_raw_simnpo() {
  static constexpr scoring::RowFunction function{
      .name = "raw_simnpo",
      .value = log_sigmoid_value<raw_simnpo_argument>,
      .gradient = log_sigmoid_gradient<raw_simnpo_argument>};
  return function;
}

// sum_v exp(z_ref) (z_ref - z)
const scoring::RowFunction& row_raw_kl() {
  static constexpr scoring::RowFunction function{.name = "raw_kl",
                                                 .needs_reference = true,
                                                 .value = raw_kl_value,
                                                 .gradient = raw_kl_gradient};
  return function;
}

}  // namespace unlearn::losses
