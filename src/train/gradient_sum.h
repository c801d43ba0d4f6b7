// Adds up the gradients of a step's micro-batches in fp32 where the model computes in bf16: a bf16
// sum drops whatever is smaller than 2^-8 of it, so that it errs the more the more parts it has.
#pragma once

#include <torch/types.h>

#include <memory>
#include <vector>

namespace unlearn::train {

class GradientSums {
 public:
  // While this lives, each bf16 gradient that a backward pass completes is moved from .grad into a
  // sum in fp32; .grad as it is now is the first part. Hooks itself to the parameters.
  explicit GradientSums(std::vector<torch::Tensor> parameters);
  ~GradientSums();
  GradientSums(const GradientSums&) = delete;
  GradientSums& operator=(const GradientSums&) = delete;

  // Puts the sums into .grad, each rounded once.
  void finish();

 private:
  class Hook;
  std::vector<torch::Tensor> parameters_;
  std::vector<std::shared_ptr<torch::Tensor>> sums_;
};

}  // namespace unlearn::train
