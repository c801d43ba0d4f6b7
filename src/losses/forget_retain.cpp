#include "losses/forget_retain.h"

#include "unlearn/core/error.h"

namespace unlearn::losses {

Diagnostic diagnostic(const std::string& name, const torch::Tensor& values) {
  return {name, values.detach().sum().item<double>(), static_cast<double>(values.numel())};
}

torch::Tensor log_ratio(const scoring::TokenScores& scores) {
  UNLEARN_CHECK(scores.reference_logp.defined(), "no reference log-probabilities");
  return scores.sum_per_sequence(scores.logp - scores.reference_logp);
}

Needs ForgetRetainLoss::needs() const {
  Needs needs;
  needs.retain = has_retain();
  if (has_kl()) {
    needs.retain_logp = false;
    needs.retain_rows = scoring::RowFunction::kForwardKl;
    needs.retain_row_positions = kl_positions_ == "labels" ? scoring::RowPositions::kLabels
                                                           : scoring::RowPositions::kAttended;
  }
  add_needs(needs);
  return needs;
}

std::vector<Term> ForgetRetainLoss::terms() const {
  std::vector<Term> terms = {{"forget", data::Role::kForget, forget_unit(), weights_.forget}};
  if (has_retain()) {
    const Unit unit = has_kl() ? Unit::kPosition : Unit::kToken;
    terms.push_back({"retain", data::Role::kRetain, unit, weights_.retain});
  }
  return terms;
}

std::vector<torch::Tensor> ForgetRetainLoss::sums(const LossInputs& inputs) const {
  std::vector<torch::Tensor> sums = {forget_sum(inputs)};
  if (has_kl()) {
    sums.push_back(inputs.retain.row_values.sum());
  } else if (has_retain()) {
    sums.push_back(-inputs.retain.logp.sum());
  }
  return sums;
}

std::vector<Diagnostic> ForgetRetainLoss::diagnostics(const LossInputs& inputs) const {
  const torch::NoGradGuard no_grad;
  std::vector<Diagnostic> values;
  if (const torch::Tensor weights = forget_weights(inputs); weights.defined()) {
    values.push_back(diagnostic("w", weights));
  }
  values.push_back(diagnostic("forget_logprob", inputs.forget.logp));
  return values;
}

void ForgetRetainLoss::visit(config::FieldVisitor& visitor) {
  visit_own(visitor);
  visitor.field("forget_weight", weights_.forget,
                {.help = "coefficient of the forget term", .min = 0.0});
  visitor.field("retain_loss", weights_.retain_loss,
                {.help = "what keeps the retain set: token mean of -log p, or KL to the reference",
                 .choices = {"none", "nll", "kl"}});
  visitor.field("retain_weight", weights_.retain,
                {.help = "coefficient of the retain term", .min = 0.0});
  visitor.field("kl_positions", kl_positions_,
                {.help = "positions the KL is averaged over: all real tokens, or those that "
                         "predict a label",
                 .choices = {"attended", "labels"}});
}

torch::Tensor ForgetRetainLoss::forget_weights(const LossInputs&) const { return {}; }

void ForgetRetainLoss::add_needs(Needs&) const {}

void ForgetRetainLoss::visit_own(config::FieldVisitor&) {}

Defaults with_retain_nll() { return {{"method.retain_loss", "nll"}}; }

Defaults with_retain_kl() { return {{"method.retain_loss", "kl"}}; }

}  // namespace unlearn::losses
