// SatImp (arXiv 2505.11953): ascent on every token, weighted by saturation p^beta1 and importance
// (1 - p)^beta2 without gradient. OpenUnlearning src/trainer/unlearn/satimp.py. The initial
// coefficients are its class's and README's (1.0, 0.1); its YAML has them the other way round.
#include "losses/forget_retain.h"

namespace unlearn::losses {
namespace {

class SatImp : public ForgetRetainLoss {
 public:
  SatImp() : ForgetRetainLoss({.forget = 1.0, .retain_loss = RetainLoss::kNll, .retain = 0.1}) {}

 protected:
  Unit forget_unit() const override { return Unit::kToken; }

  torch::Tensor forget_sum(const LossInputs& inputs) const override {
    return (forget_weights(inputs) * inputs.forget.logp).sum();
  }

  torch::Tensor forget_weights(const LossInputs& inputs) const override {
    const auto logp = inputs.forget.logp.detach();
    // 1 - exp(l) as -expm1(l) keeps the digits of tokens that are almost certain.
    return (logp * beta1_).exp() * (-logp.expm1()).pow(beta2_);
  }

  void visit_own(config::FieldVisitor& visitor) override {
    visitor.field("beta1", beta1_, {.help = "power of the token probability p", .min = 0});
    visitor.field("beta2", beta2_, {.help = "power of 1 - p", .min = 0});
  }

  std::vector<Quirk> own_quirks() override {
    return {{"satimp_yaml",
             "OpenUnlearning's YAML: forget_weight 0.1, retain_weight 1.0 instead of its README's",
             nullptr,
             {{"method.forget_weight", "0.1"}, {"method.retain_weight", "1.0"}}}};
  }

 private:
  double beta1_ = 5.0;
  double beta2_ = 1.0;
};

std::unique_ptr<Loss> make_satimp() { return std::make_unique<SatImp>(); }

BenchmarkDefaults satimp_defaults() { return {{"tofu", "", tofu_training()}}; }

}  // namespace

Method method_satimp() {
  return {{"satimp", "gradient ascent with tokens weighted by saturation and importance", {}},
          make_satimp,
          satimp_defaults()};
}

}  // namespace unlearn::losses
