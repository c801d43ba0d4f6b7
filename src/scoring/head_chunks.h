// What the functions over hidden rows share: logits of a chunk of rows, and their way back to rows
// and head.
#pragma once

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <optional>

#include "unlearn/model/causal_lm.h"

namespace unlearn::scoring {

// fp64 for fp64 rows, fp32 otherwise.
torch::Dtype wide(const torch::Tensor& rows);

// How many rows of logits fit into `bytes`, at least one.
int64_t chunk_rows(const torch::Tensor& rows, const torch::Tensor& weight, int64_t bytes);

// softcap(scale * (h W^T + bias)), in fp32 or wider; a fresh tensor the caller may overwrite.
torch::Tensor head_logits(const torch::Tensor& rows, const model::Head& head);
// The same into `out` [n, V], contiguous, of dtype wide(rows).
void head_logits_into(torch::Tensor out, const torch::Tensor& rows, const model::Head& head);

// How many rows' logit gradients are kept from the forward pass for the backward pass, as far as
// `bytes` go; 0 when no backward pass will come.
int64_t kept_rows(const torch::Tensor& rows, const torch::Tensor& weight, int64_t bytes);

// Turns d(loss)/d(logits) in place into the gradient before soft-capping and scaling.
void through_cap(torch::Tensor gradient, const torch::Tensor& capped, const model::Head& head);

// Gradients of a head: dh per chunk, dW and db summed over chunks. Add at least one chunk.
class HeadGradient {
 public:
  HeadGradient(const torch::Tensor& rows, const model::Head& head, bool need_rows, bool need_weight,
               bool need_bias);

  void add(const torch::Tensor& hidden, int64_t begin, const torch::Tensor& logits_gradient);
  // The first rows, from what the forward pass kept: the gradient of each row's value by its logits
  // [kept, V], to be multiplied by g [kept]. `chunk` rows of temporaries at a time.
  void add_kept(const torch::Tensor& hidden, const torch::Tensor& kept, const torch::Tensor& g,
                int64_t chunk);

  const torch::Tensor& rows() const { return rows_; }
  const torch::Tensor& weight() const { return weight_; }
  const torch::Tensor& bias() const { return bias_; }

 private:
  void add_weight(const torch::Tensor& gradient, const torch::Tensor& hidden);

  const model::Head& head_;
  bool need_weight_;
  torch::Tensor rows_, weight_, bias_;
};

// Function::apply takes no undefined tensors.
std::optional<torch::Tensor> optional_tensor(const torch::Tensor& tensor);

// Head tensors are kept by autograd as saved variables, its numbers as saved data.
model::Head restore_head(torch::autograd::AutogradContext* context, const torch::Tensor& weight,
                         const torch::Tensor& bias);
void save_head_numbers(torch::autograd::AutogradContext* context, double scale, double softcap,
                       int64_t chunk);

}  // namespace unlearn::scoring
