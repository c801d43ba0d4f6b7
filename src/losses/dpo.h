// Direct preference optimisation against the forget answer; the winner is a refusal (dpo) or an
// alternative answer (altpo).
#pragma once

#include "losses/forget_retain.h"

namespace unlearn::losses {

class Dpo : public ForgetRetainLoss {
 public:
  explicit Dpo(AlternateSource source) : ForgetRetainLoss({}), source_(source) {}

 protected:
  Unit forget_unit() const override { return Unit::kSequence; }
  void add_needs(Needs& needs) const override;
  torch::Tensor forget_sum(const LossInputs& inputs) const override;
  torch::Tensor forget_weights(const LossInputs& inputs) const override;
  void visit_own(config::FieldVisitor& visitor) override;
  std::vector<Quirk> own_quirks() override;

 private:
  double scale() const { return unscaled_ ? 1.0 : 2.0 / beta_; }

  AlternateSource source_;
  double beta_ = 0.1;
  bool unscaled_ = false;
};

}  // namespace unlearn::losses
