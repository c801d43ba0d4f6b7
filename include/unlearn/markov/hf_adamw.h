// AdamW as Hugging Face's own class computed it (transformers < 5), which the synthetic experiment
// was run with: p -= lr * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + epsilon).
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace unlearn::markov {

class HfAdamW {
 public:
  explicit HfAdamW(std::vector<torch::Tensor> parameters, double lr);

  // One update from the parameters' gradients, which are then dropped.
  void step();

 private:
  std::vector<torch::Tensor> parameters_, first_, second_;
  double lr_;
  int64_t steps_ = 0;
};

}  // namespace unlearn::markov
