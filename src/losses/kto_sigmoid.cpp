// KTO (arXiv 2402.01306) with refusals as the baseline: with K the mean log-ratio of the refusals,
// without gradient, l = 1 - (2/beta) sigmoid(K - beta (S - S_ref)), the mean over sequences.
// Unlearn-Simple TOFU/dataloader.py `kto_sigmoid`.
#include "losses/kto.h"

namespace unlearn::losses {
namespace {

std::unique_ptr<Loss> make_kto_sigmoid() { return std::make_unique<Kto>(KtoForm::kSigmoid); }

}  // namespace

Method method_kto_sigmoid() {
  return {{"kto_sigmoid",
           "Kahneman-Tversky optimisation, sigmoid form: forget answers against refusals",
           {}},
          make_kto_sigmoid,
          kto_defaults()};
}

}  // namespace unlearn::losses
