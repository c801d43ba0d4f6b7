// KTO (arXiv 2402.01306) with refusals as the baseline: with K the mean log-ratio of the refusals,
// without gradient, l = 1 - (2/beta) log sigmoid(K - beta (S - S_ref)), the mean over sequences.
// Unlearn-Simple TOFU/dataloader.py `kto_logsigmoid`.
#include "losses/kto.h"

namespace unlearn::losses {
namespace {

std::unique_ptr<Loss> make_kto_logsigmoid() { return std::make_unique<Kto>(KtoForm::kLogSigmoid); }

}  // namespace

Method method_kto_logsigmoid() {
  return {{"kto_logsigmoid",
           "Kahneman-Tversky optimisation, log sigmoid form: forget answers against refusals",
           {{"kto_graddiff", with_retain_nll()}, {"kto_logsigmoid_grad_diff", with_retain_nll()}}},
          make_kto_logsigmoid,
          kto_defaults()};
}

}  // namespace unlearn::losses
