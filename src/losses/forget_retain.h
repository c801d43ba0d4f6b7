// The shape most methods share: L = forget_weight * forget term + retain_weight * retain term,
// where the retain term is the token mean of -log p or the forward KL to the reference.
#pragma once

#include <string_view>

#include "losses/compat/forget_retain_quirks.h"
#include "losses/methods.h"

namespace unlearn::losses {

// The sum of `values` [n] and their number as a diagnostic.
Diagnostic diagnostic(const std::string& name, const torch::Tensor& values);

// S - S_ref of every sequence [S]; token differences are summed, not two large sums subtracted.
torch::Tensor log_ratio(const scoring::TokenScores& scores);

// The retain term: none, the token mean of -log p, the forward KL to the reference, or one that the
// method has itself.
enum class RetainLoss : uint8_t { kNone, kNll, kKl, kOwn };

class ForgetRetainLoss : public Loss {
 public:
  void check() const final;
  Needs needs() const override;
  std::vector<Term> terms() const override;
  std::vector<torch::Tensor> sums(const LossInputs& inputs) const override;
  // The mean paper weight "w" (where the method has one) and the mean forget log-prob per token.
  std::vector<Diagnostic> diagnostics(const LossInputs& inputs) const override;
  void visit(config::FieldVisitor& visitor) override;
  std::vector<Quirk> quirks() override;
  void decorate(RunExamples& examples) const override { quirks_.decorate(needs(), examples); }

 protected:
  // A method's initial values.
  struct Weights {
    double forget = 1.0;
    RetainLoss retain_loss = RetainLoss::kNll;
    double retain = 1.0;
  };
  explicit ForgetRetainLoss(Weights weights) : weights_(weights) {}

  // The forget term: its unit, and its sum over the batch's units.
  virtual Unit forget_unit() const = 0;
  virtual torch::Tensor forget_sum(const LossInputs& inputs) const = 0;
  // d(term)/d(log pi) of every sequence or token as the papers write it, or undefined.
  virtual torch::Tensor forget_weights(const LossInputs& inputs) const;
  // What the forget term needs beside the forget sequences.
  virtual void add_needs(Needs& needs) const;
  virtual void visit_own(config::FieldVisitor& visitor);
  // What retain_loss calls the method's own term (empty: it has none), and that term.
  virtual std::string_view own_retain_loss() const { return {}; }
  virtual Unit own_retain_unit() const { return Unit::kSequence; }
  virtual torch::Tensor own_retain_sum(const LossInputs&) const { return {}; }
  virtual std::vector<Quirk> own_quirks() { return {}; }
  virtual void check_own() const {}

  bool has_retain() const {
    return weights_.retain_loss != RetainLoss::kNone && weights_.retain != 0.0;
  }
  bool retain_is(RetainLoss loss) const { return has_retain() && weights_.retain_loss == loss; }
  const Weights& weights() const { return weights_; }
  // The forward KL as kl_positions asks for it.
  scoring::RowRequest kl_rows() const;
  bool raw_logits() const { return quirks_.raw_logits(); }
  // What divides the sum of kl_rows().
  Unit kl_unit() const { return quirks_.kl_by_sequence() ? Unit::kSequence : Unit::kPosition; }

 private:
  bool has_kl() const { return retain_is(RetainLoss::kKl); }
  Unit retain_unit() const;

  Weights weights_;
  scoring::RowPositions kl_positions_ = scoring::RowPositions::kAttended;
  ForgetRetainQuirks quirks_;
};

// The settings that spellings ending in "_grad_diff", "_gdr", "_RT" and "_KL", "_klr" imply.
Defaults with_retain_nll();
Defaults with_retain_kl();

}  // namespace unlearn::losses
