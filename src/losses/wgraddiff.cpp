// Weighted gradient difference: ascent on every sequence's mean log-probability, so that a long
// answer counts as much as a short one. SimNPO in the limit beta -> 0 (arXiv 2410.07163, app. F).
#include "losses/forget_retain.h"

namespace unlearn::losses {
namespace {

class WeightedGradDiff : public ForgetRetainLoss {
 public:
  WeightedGradDiff() : ForgetRetainLoss({}) {}

 protected:
  Unit forget_unit() const override { return Unit::kSequence; }

  torch::Tensor forget_sum(const LossInputs& inputs) const override {
    const auto& forget = inputs.forget;
    return (forget.sum_per_sequence(forget.logp) / forget.lengths()).sum();
  }

  torch::Tensor forget_weights(const LossInputs& inputs) const override {
    return inputs.forget.lengths().reciprocal();
  }
};

std::unique_ptr<Loss> make_wgraddiff() { return std::make_unique<WeightedGradDiff>(); }

BenchmarkDefaults wgraddiff_defaults() { return {{"tofu", "", tofu_training()}}; }

}  // namespace

Method method_wgraddiff() {
  return {{"wgraddiff",
           "gradient difference with each forget sequence divided by its length",
           {{"w_grad_diff"}, {"w_graddiff"}, {"weighted_graddiff"}}},
          make_wgraddiff,
          wgraddiff_defaults()};
}

}  // namespace unlearn::losses
