// SimNPO (arXiv 2410.07163, eq. 4 without a margin) beside descent on refusals, TOFU's "preference
// optimisation" (arXiv 2401.06121): L = forget_weight * SimNPO + refusal_weight * token mean of
// -log p of the refusals + retain_weight * retain term. SimNPO alone says what a model shall no
// longer answer, and the likeliest other answer is often another row's; the refusal is what it
// shall say instead. Our own combination.
#include "losses/forget_retain.h"

namespace unlearn::losses {
namespace {

class SimNpoIdk : public ForgetRetainLoss {
 public:
  SimNpoIdk() : ForgetRetainLoss({}) {}

  std::vector<Term> terms() const override {
    std::vector<Term> terms = ForgetRetainLoss::terms();
    terms.push_back({"refusal", data::Role::kAlternate, Unit::kToken, refusal_weight_});
    return terms;
  }

  std::vector<torch::Tensor> sums(const LossInputs& inputs) const override {
    std::vector<torch::Tensor> sums = ForgetRetainLoss::sums(inputs);
    sums.push_back(-inputs.alternate.logp.sum());
    return sums;
  }

 protected:
  Unit forget_unit() const override { return Unit::kSequence; }
  void add_needs(Needs& needs) const override { needs.alternate = true; }

  torch::Tensor forget_sum(const LossInputs& inputs) const override {
    return torch::log_sigmoid(-beta_ * mean_logprob(inputs)).sum() * (-2.0 / beta_);
  }

  torch::Tensor forget_weights(const LossInputs& inputs) const override {
    return 2.0 * torch::sigmoid(beta_ * mean_logprob(inputs)) / inputs.forget.lengths();
  }

  void visit_own(config::FieldVisitor& visitor) override {
    visitor.field("beta", beta_,
                  {.help = "inverse temperature of the mean log-probability",
                   .min = 0,
                   .exclusive_min = true});
    visitor.field("refusal_weight", refusal_weight_,
                  {.help = "coefficient of the refusals' term", .min = 0.0});
  }

 private:
  static torch::Tensor mean_logprob(const LossInputs& inputs) {
    return inputs.forget.sum_per_sequence(inputs.forget.logp) / inputs.forget.lengths();
  }

  double beta_ = 2.5;
  double refusal_weight_ = 1.0;
};

std::unique_ptr<Loss> make_simnpo_idk() { return std::make_unique<SimNpoIdk>(); }

}  // namespace

Method method_simnpo_idk() {
  return {{"simnpo_idk", "SimNPO, with refusals as the answers to give instead", {}},
          make_simnpo_idk};
}

}  // namespace unlearn::losses
