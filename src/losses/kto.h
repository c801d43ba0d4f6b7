// Kahneman-Tversky optimisation against the forget answer, in its two forms.
#pragma once

#include "losses/dpo.h"

namespace unlearn::losses {

enum class KtoForm { kSigmoid, kLogSigmoid };

class Kto : public ForgetRetainLoss {
 public:
  explicit Kto(KtoForm form)
      : ForgetRetainLoss({.forget = 1.0, .retain_loss = RetainLoss::kNone, .retain = 1.0}),
        form_(form) {}

  std::vector<Statistic> statistics(const LossInputs& inputs) const override;
  void set_statistics(const std::vector<double>& means) override;

 protected:
  Unit forget_unit() const override { return Unit::kSequence; }
  void add_needs(Needs& needs) const override;
  torch::Tensor forget_sum(const LossInputs& inputs) const override;
  torch::Tensor forget_weights(const LossInputs& inputs) const override;
  void visit_own(config::FieldVisitor& visitor) override;

 private:
  // K - beta (S - S_ref) [S]
  torch::Tensor argument(const LossInputs& inputs) const;

  KtoForm form_;
  double beta_ = 0.1;
  std::optional<double> step_baseline_;  // K over the whole step
};

// What both methods share in the registry.
BenchmarkDefaults kto_defaults();

}  // namespace unlearn::losses
