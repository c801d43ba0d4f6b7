// Cross-entropy of a row against a distribution q that has no gradient: -sum_v q log p.
#pragma once

#include "losses/rows.h"

namespace unlearn::losses {

// [n] with q [n, V], which is overwritten.
inline torch::Tensor cross_entropy_value(const torch::Tensor& z, torch::Tensor q) {
  return z.logsumexp(1) - q.mul_(z).sum(1);
}

// [n, V] d(value)/dz.
inline torch::Tensor cross_entropy_gradient(const torch::Tensor& z, const torch::Tensor& q) {
  return z.softmax(1).sub_(q);
}

}  // namespace unlearn::losses
