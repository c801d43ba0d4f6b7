#include "losses/forget_retain.h"

#include "unlearn/core/error.h"

namespace unlearn::losses {
namespace {

constexpr config::Named<scoring::RowPositions> kKlPositions[] = {
    {scoring::RowPositions::kAttended, "attended"},
    {scoring::RowPositions::kLabels, "labels"},
    {scoring::RowPositions::kAll, "all"}};

}  // namespace

Diagnostic diagnostic(const std::string& name, const torch::Tensor& values) {
  return {name, values.detach().sum().item<double>(), static_cast<double>(values.numel())};
}

torch::Tensor log_ratio(const scoring::TokenScores& scores) {
  UNLEARN_CHECK(scores.reference_logp.defined(), "no reference log-probabilities");
  return scores.sum_per_sequence(scores.logp - scores.reference_logp);
}

scoring::RowRequest ForgetRetainLoss::kl_rows() const {
  using scoring::RowPositions;
  scoring::RowRequest rows;
  rows.function = &scoring::forward_kl();
  rows.positions = kl_positions_;
  quirks_.adapt_kl(rows);
  return rows;
}

void ForgetRetainLoss::check() const {
  quirks_.check(needs());
  check_own();
}

Needs ForgetRetainLoss::needs() const {
  Needs needs;
  needs.retain = has_retain();
  needs.retain_logp = retain_is(RetainLoss::kNll);
  if (has_kl()) needs.retain_rows = kl_rows();
  add_needs(needs);
  return needs;
}

Unit ForgetRetainLoss::retain_unit() const {
  if (retain_is(RetainLoss::kNll)) return Unit::kToken;
  if (!has_kl()) return own_retain_unit();
  return kl_unit();
}

std::vector<Term> ForgetRetainLoss::terms() const {
  // The MUSE code does not apply the forget coefficient beside its KL.
  const double forget = raw_logits() && has_kl() ? 1.0 : weights_.forget;
  std::vector<Term> terms = {{"forget", data::Role::kForget, forget_unit(), forget}};
  if (has_retain()) {
    terms.push_back({"retain", data::Role::kRetain, retain_unit(), weights_.retain});
  }
  return terms;
}

std::vector<torch::Tensor> ForgetRetainLoss::sums(const LossInputs& inputs) const {
  std::vector<torch::Tensor> sums = {forget_sum(inputs)};
  if (retain_is(RetainLoss::kNll)) {
    sums.push_back(-inputs.retain.logp.sum());
  } else if (has_kl()) {
    sums.push_back(inputs.retain.row_values.sum());
  } else if (has_retain()) {
    sums.push_back(own_retain_sum(inputs));
  }
  return sums;
}

std::vector<Diagnostic> ForgetRetainLoss::diagnostics(const LossInputs& inputs) const {
  const torch::NoGradGuard no_grad;
  std::vector<Diagnostic> values;
  if (const torch::Tensor weights = forget_weights(inputs); weights.defined()) {
    values.push_back(diagnostic("w", weights));
  }
  if (needs().forget_logp) values.push_back(diagnostic("forget_logprob", inputs.forget.logp));
  return values;
}

void ForgetRetainLoss::visit(config::FieldVisitor& visitor) {
  visit_own(visitor);
  visitor.field("forget_weight", weights_.forget,
                {.help = "coefficient of the forget term", .min = 0.0});
  std::vector<config::Named<RetainLoss>> terms = {
      {RetainLoss::kNone, "none"}, {RetainLoss::kNll, "nll"}, {RetainLoss::kKl, "kl"}};
  if (!own_retain_loss().empty()) terms.push_back({RetainLoss::kOwn, own_retain_loss()});
  visitor.field(
      "retain_loss", weights_.retain_loss, terms,
      {.help = "what keeps the retain set: token mean of -log p, or KL to the reference"});
  visitor.field("retain_weight", weights_.retain,
                {.help = "coefficient of the retain term", .min = 0.0});
  visitor.field("kl_positions", kl_positions_, kKlPositions,
                {.help = "positions the KL is averaged over: every token but the last, those that "
                         "predict a label, or every token"});
}

std::vector<Quirk> ForgetRetainLoss::quirks() {
  std::vector<Quirk> quirks = quirks_.list();
  for (Quirk& own : own_quirks()) quirks.push_back(std::move(own));
  return quirks;
}

torch::Tensor ForgetRetainLoss::forget_weights(const LossInputs&) const { return {}; }

void ForgetRetainLoss::add_needs(Needs&) const {}

void ForgetRetainLoss::visit_own(config::FieldVisitor&) {}

Defaults with_retain_nll() { return {{"method.retain_loss", "nll"}}; }

Defaults with_retain_kl() { return {{"method.retain_loss", "kl"}}; }

}  // namespace unlearn::losses
