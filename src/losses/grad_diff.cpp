// Gradient difference: ascent on the forget set, descent on the retain set.
// Unlearn-Simple TOFU/dataloader.py `grad_diff` and `KL`, OpenUnlearning GradDiff, MUSE `ga_gdr`.
#include "losses/ga.h"

namespace unlearn::losses {
namespace {

std::unique_ptr<Loss> make_grad_diff() { return std::make_unique<GradientAscent>(RetainLoss::kNll); }

}  // namespace

Method method_grad_diff() {
  return {{"grad_diff",
           "gradient ascent on the forget set with a retain term (NLL, or KL: the codes' 'KL')",
           {{"graddiff"},
            {"ga_gdr", with_retain_nll()},
            {"GA+FT", with_retain_nll()},
            {"KL", with_retain_kl()},
            {"ga_kl", with_retain_kl()},
            {"ga_klr", with_retain_kl()}}},
          make_grad_diff,
          gradient_ascent_defaults()};
}

}  // namespace unlearn::losses
