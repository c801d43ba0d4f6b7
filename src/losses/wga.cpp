// Weighted gradient ascent (arXiv 2502.19301): ascent on every token, weighted by its own
// probability p^beta without gradient. OpenUnlearning src/trainer/unlearn/wga.py.
#include "losses/forget_retain.h"

namespace unlearn::losses {
namespace {

class Wga : public ForgetRetainLoss {
 public:
  Wga() : ForgetRetainLoss({}) {}

 protected:
  Unit forget_unit() const override { return Unit::kToken; }

  torch::Tensor forget_sum(const LossInputs& inputs) const override {
    return (forget_weights(inputs) * inputs.forget.logp).sum();
  }

  torch::Tensor forget_weights(const LossInputs& inputs) const override {
    return (inputs.forget.logp.detach() * beta_).exp();
  }

  void visit_own(config::FieldVisitor& visitor) override {
    visitor.field("beta", beta_,
                  {.help = "power of the token probability that weighs a token", .min = 0});
  }

 private:
  double beta_ = 1.0;
};

std::unique_ptr<Loss> make_wga() { return std::make_unique<Wga>(); }

BenchmarkDefaults wga_defaults() { return {{"tofu", "", tofu_training()}}; }

}  // namespace

Method method_wga() {
  return {{"wga", "gradient ascent with tokens weighted by their probability", {}},
          make_wga,
          wga_defaults()};
}

}  // namespace unlearn::losses
