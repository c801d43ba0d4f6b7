#include "losses/kto.h"

#include "unlearn/core/error.h"

namespace unlearn::losses {

void Kto::add_needs(Needs& needs) const {
  needs.alternate = true;
  needs.reference_forget = true;
  needs.reference_alternate = true;
  needs.batch_statistics = true;
}

std::vector<Statistic> Kto::statistics(const LossInputs& inputs) const {
  const torch::NoGradGuard no_grad;
  return {{"kto_baseline", log_ratio(inputs.alternate).sum().item<double>(),
           static_cast<double>(inputs.alternate.num_sequences())}};
}

void Kto::set_statistics(const std::vector<double>& means) {
  UNLEARN_CHECK(means.size() == 1, "one mean, not ", means.size());
  step_baseline_ = means[0];
}

torch::Tensor Kto::argument(const LossInputs& inputs) const {
  const auto own = statistics(inputs);
  const double baseline = step_baseline_.value_or(own[0].sum / std::max(1.0, own[0].count));
  return baseline - beta_ * log_ratio(inputs.forget);
}

torch::Tensor Kto::forget_sum(const LossInputs& inputs) const {
  const auto u = argument(inputs);
  const auto value = form_ == KtoForm::kSigmoid ? torch::sigmoid(u) : torch::log_sigmoid(u);
  return (1.0 - value * (2.0 / beta_)).sum();
}

torch::Tensor Kto::forget_weights(const LossInputs& inputs) const {
  const auto u = argument(inputs);
  const auto falling = 2.0 * torch::sigmoid(-u);
  return form_ == KtoForm::kSigmoid ? falling * torch::sigmoid(u) : falling;
}

void Kto::visit_own(config::FieldVisitor& visitor) {
  visitor.field("beta", beta_,
                {.help = "inverse temperature of the forget answer's log-ratio",
                 .min = 0,
                 .exclusive_min = true});
}

BenchmarkDefaults kto_defaults() { return {{"tofu", "", tofu_training()}}; }

}  // namespace unlearn::losses
