// DPO (arXiv 2305.18290) with the refusal as winner and the forget answer as loser:
// l = -(2/beta) log sigmoid(beta ((S_w - S_w,ref) - (S_l - S_l,ref))), the mean over pairs.
// Unlearn-Simple TOFU/dataloader.py `dpo`, OpenUnlearning DPO.
#include "losses/dpo.h"

#include "unlearn/core/error.h"

namespace unlearn::losses {
namespace {

// (S_w - S_w,ref) - (S_l - S_l,ref) [S]; alternate i is the winner against forget i.
torch::Tensor preference(const LossInputs& inputs) {
  UNLEARN_CHECK(inputs.alternate.num_sequences() == inputs.forget.num_sequences(),
                inputs.alternate.num_sequences(), " alternatives for ",
                inputs.forget.num_sequences(), " forget sequences");
  return log_ratio(inputs.alternate) - log_ratio(inputs.forget);
}

std::unique_ptr<Loss> make_dpo() { return std::make_unique<Dpo>(AlternateSource::kRefusal); }

BenchmarkDefaults dpo_defaults() { return {{"tofu", "", tofu_training()}}; }

}  // namespace

void Dpo::add_needs(Needs& needs) const {
  needs.alternate = true;
  needs.alternate_source = source_;
  needs.reference_forget = true;
  needs.reference_alternate = true;
}

torch::Tensor Dpo::forget_sum(const LossInputs& inputs) const {
  return torch::log_sigmoid(beta_ * preference(inputs)).sum() * -scale();
}

torch::Tensor Dpo::forget_weights(const LossInputs& inputs) const {
  return scale() * beta_ * torch::sigmoid(-beta_ * preference(inputs));
}

std::vector<Quirk> Dpo::own_quirks() {
  return {{"dpo_scale_1", "TOFU's code: no factor 2/beta before the mean log sigmoid", &unscaled_}};
}

void Dpo::visit_own(config::FieldVisitor& visitor) {
  visitor.field("beta", beta_,
                {.help = "inverse temperature of the preference", .min = 0, .exclusive_min = true});
}

Method method_dpo() {
  return {{"dpo",
           "direct preference optimisation: a refusal preferred to the forget answer",
           {{"idk_dpo"},
            {"IdkDPO"},
            {"dpo_grad_diff", with_retain_nll()},
            {"dpo_graddiff", with_retain_nll()},
            {"dpo_kl", with_retain_kl()}}},
          make_dpo,
          dpo_defaults()};
}

}  // namespace unlearn::losses
