// Row operations over logits [n, V]: our kernels for contiguous fp32 on the CPU and, where they are
// loaded, on CUDA; ATen in every other case.
#pragma once

#include <torch/types.h>

namespace unlearn::runtime {

// lse and the target's logit, both [n] of the logits' dtype, written into `lse` and `picked`.
void row_lse(const torch::Tensor& logits, const torch::Tensor& targets, torch::Tensor lse,
             torch::Tensor picked);

// logits <- g_i (1[j = target] - softmax(z)_j), the gradient of sum_i g_i log p(target).
void row_logp_gradient(torch::Tensor logits, const torch::Tensor& targets, const torch::Tensor& lse,
                       const torch::Tensor& g);

// Whether row_kl takes these logits.
bool has_row_kl(const torch::Tensor& logits, const torch::Tensor& reference);
// `values` [n] <- KL(softmax(reference) || softmax(logits)); with_gradient: logits <- its gradient.
void row_kl(torch::Tensor logits, const torch::Tensor& reference, torch::Tensor values,
            bool with_gradient);

}  // namespace unlearn::runtime
