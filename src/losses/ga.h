// Gradient ascent, alone (ga) and with a retain term (grad_diff).
#pragma once

#include "losses/forget_retain.h"

namespace unlearn::losses {

class GradientAscent : public ForgetRetainLoss {
 public:
  explicit GradientAscent(RetainLoss retain_loss)
      : ForgetRetainLoss({.forget = 1.0, .retain_loss = retain_loss, .retain = 1.0}) {}

 protected:
  Unit forget_unit() const override { return Unit::kToken; }
  torch::Tensor forget_sum(const LossInputs& inputs) const override;
};

// Of both methods.
BenchmarkDefaults gradient_ascent_defaults();

}  // namespace unlearn::losses
