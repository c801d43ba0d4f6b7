// Gradient ascent: minimises the token mean of log p over the forget set. Unbounded below.
// Unlearn-Simple TOFU/dataloader.py `grad_ascent`, OpenUnlearning GradAscent.
#include "losses/ga.h"

namespace unlearn::losses {

torch::Tensor GradientAscent::forget_sum(const LossInputs& inputs) const {
  return inputs.forget.logp.sum();
}

BenchmarkDefaults gradient_ascent_defaults() {
  return {{"tofu", "", tofu_training()},
          {"muse", "", muse_training()},
          {"wmdp", "", wmdp_training("5e-6", "500")}};
}

namespace {

std::unique_ptr<Loss> make_ga() { return std::make_unique<GradientAscent>(RetainLoss::kNone); }

}  // namespace

Method method_ga() {
  return {{"ga",
           "gradient ascent on the forget set's token-mean cross-entropy",
           {{"grad_ascent"}, {"GradAscent"}, {"gradient_ascent"}}},
          make_ga,
          gradient_ascent_defaults()};
}

}  // namespace unlearn::losses
