// Gradient ascent: minimises the token mean of log p over the forget set. Unbounded below.
// Unlearn-Simple TOFU/dataloader.py `grad_ascent`, OpenUnlearning GradAscent.
#include "losses/ga.h"

namespace unlearn::losses {

torch::Tensor GradientAscent::forget_sum(const LossInputs& inputs) const {
  return inputs.forget.logp.sum();
}

Defaults gradient_ascent_defaults(const std::string& benchmark, const std::string&) {
  if (benchmark == "tofu") return tofu_training();
  if (benchmark == "muse") return muse_training();
  if (benchmark == "wmdp") return wmdp_training("5e-6", "500");
  return {};
}

namespace {

std::unique_ptr<Loss> make_ga() { return std::make_unique<GradientAscent>("none"); }

}  // namespace

Method method_ga() {
  return {{"ga",
           "gradient ascent on the forget set's token-mean cross-entropy",
           {{"grad_ascent"}, {"GradAscent"}, {"gradient_ascent"}}},
          make_ga,
          gradient_ascent_defaults};
}

}  // namespace unlearn::losses
