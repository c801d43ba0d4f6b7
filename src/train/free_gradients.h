// Updates each parameter as soon as its gradient is complete and frees the gradient at once, so
// that all gradients never exist together.
#pragma once

#include <memory>
#include <string>

#include "unlearn/train/optimizer.h"

namespace unlearn::train {

// UserError when a step is cut into more than one micro-batch: a freed gradient cannot be added to.
void check_not_cut(int64_t micro_batches);

class FreeGradients {
 public:
  // Hooks itself to the parameters of `optimizer`, which must outlive it.
  explicit FreeGradients(Optimizer& optimizer);
  ~FreeGradients();
  FreeGradients(const FreeGradients&) = delete;
  FreeGradients& operator=(const FreeGradients&) = delete;

  // The next backward pass is the whole step's: every gradient that it completes is applied.
  void begin_step(double lr);

  struct Result {
    double gradient_norm = 0;
    std::string first_nonfinite;  // a parameter whose gradient was not finite, so not applied
  };
  // After that pass.
  Result end_step();

 private:
  struct Shared;
  class Hook;
  std::shared_ptr<Shared> shared_;
};

}  // namespace unlearn::train
