#include "losses/forget_retain.h"

#include <algorithm>

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
  rows.function = scoring::RowFunction::kForwardKl;
  rows.positions = kl_per_sequence_ ? RowPositions::kLabels : kl_positions_;
  if (kl_padded_ || kl_padded_batch_) rows.positions = RowPositions::kAll;
  rows.to_longest = kl_padded_batch_;
  if (muse_logits_) {
    rows.function = scoring::RowFunction::kRawKl;
    rows.positions = RowPositions::kAll;
  }
  return rows;
}

// A quirk that changes nothing would be reported as reproduced.
void ForgetRetainLoss::check() const {
  const Needs needs = this->needs();
  using scoring::RowFunction;
  if (kl_padded_ && kl_padded_batch_) {
    user_error("train.compat: kl_padded and kl_padded_batch pad to different lengths; name one");
  }
  const auto computes = [&](std::initializer_list<RowFunction> functions) {
    return std::any_of(functions.begin(), functions.end(), [&](RowFunction function) {
      return needs.forget_rows.function == function || needs.retain_rows.function == function;
    });
  };
  const std::pair<bool, const char*> of_kl[] = {{kl_padded_, "kl_padded"},
                                                {kl_padded_batch_, "kl_padded_batch"},
                                                {kl_per_sequence_, "kl_per_sequence"}};
  const bool has_any_kl = computes({RowFunction::kForwardKl, RowFunction::kRawKl});
  for (const auto& [on, name] : of_kl) {
    if (on && !has_any_kl) {
      user_error("train.compat: ", name,
                 " changes nothing here: this run computes no KL "
                 "(method.retain_loss: kl)");
    }
  }
  if (muse_logits_ &&
      !computes({RowFunction::kRawKl, RowFunction::kRawNpo, RowFunction::kRawSimNpo})) {
    user_error(
        "train.compat: muse_logits changes nothing here: it is of npo, simnpo and "
        "method.retain_loss: kl");
  }
  check_own();
}

Needs ForgetRetainLoss::needs() const {
  Needs needs;
  needs.retain = has_retain();
  needs.retain_logp = retain_is(RetainLoss::kNll);
  if (has_kl()) needs.retain_rows = kl_rows();
  add_needs(needs);
  const auto pads = [&](const scoring::RowRequest& rows) {
    return rows.to_longest || (kl_padded_ && rows.function == scoring::RowFunction::kForwardKl);
  };
  needs.padding = {.forget = pads(needs.forget_rows), .retain = pads(needs.retain_rows)};
  if (pad_labels_) needs.padding = {.forget = true, .retain = true, .labelled = true};
  return needs;
}

Unit ForgetRetainLoss::retain_unit() const {
  if (retain_is(RetainLoss::kNll)) return Unit::kToken;
  if (!has_kl()) return own_retain_unit();
  return kl_unit();
}

std::vector<Term> ForgetRetainLoss::terms() const {
  // The MUSE code does not apply the forget coefficient beside its KL.
  const double forget = muse_logits_ && has_kl() ? 1.0 : weights_.forget;
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

Quirk pad_labels_quirk(bool* on) {
  return {"wmdp_pad_labels",
          "Unlearn-Simple's WMDP code: texts are padded to data.max_length and padding is labelled",
          on,
          {},
          "wmdp"};
}

std::vector<Quirk> ForgetRetainLoss::quirks() {
  std::vector<Quirk> quirks = {
      {"muse_logits",
       "MUSE's and Unlearn-Simple's MUSE code: NPO, SimNPO and KL on raw logits of every position",
       &muse_logits_},
      {"kl_per_sequence",
       "Unlearn-Simple's synthetic code: KL summed over label positions, divided by sequences",
       &kl_per_sequence_},
      {"kl_padded",
       "TOFU's and Unlearn-Simple's TOFU code: KL over all positions of sequences padded to "
       "data.max_length",
       &kl_padded_},
      {"kl_padded_batch",
       "OpenUnlearning: KL over all positions of sequences padded to the longest of the "
       "micro-batch",
       &kl_padded_batch_},
      pad_labels_quirk(&pad_labels_)};
  for (Quirk& own : own_quirks()) quirks.push_back(std::move(own));
  return quirks;
}

torch::Tensor ForgetRetainLoss::forget_weights(const LossInputs&) const { return {}; }

void ForgetRetainLoss::add_needs(Needs&) const {}

void ForgetRetainLoss::visit_own(config::FieldVisitor&) {}

Defaults with_retain_nll() { return {{"method.retain_loss", "nll"}}; }

Defaults with_retain_kl() { return {{"method.retain_loss", "kl"}}; }

}  // namespace unlearn::losses
