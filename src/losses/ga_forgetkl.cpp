// Gradient ascent held back by the forward KL to the reference on the forget set itself.
// Unlearn-Simple TOFU/dataloader.py `grad_ascent_forgetKL`; synthetic `grad_diff_kl_forget` adds
// the retain term.
#include "losses/ga.h"

namespace unlearn::losses {
namespace {

class GradientAscentForgetKl : public GradientAscent {
 public:
  GradientAscentForgetKl() : GradientAscent(RetainLoss::kNone) {}

  std::vector<Term> terms() const override {
    std::vector<Term> terms = GradientAscent::terms();
    terms.push_back({"forget_kl", data::Role::kForget, kl_unit(), kl_weight_});
    return terms;
  }

  std::vector<torch::Tensor> sums(const LossInputs& inputs) const override {
    std::vector<torch::Tensor> sums = GradientAscent::sums(inputs);
    sums.push_back(inputs.forget.row_values.sum());
    return sums;
  }

 protected:
  void add_needs(Needs& needs) const override { needs.forget_rows = kl_rows(); }

  void visit_own(config::FieldVisitor& visitor) override {
    visitor.field("forget_kl_weight", kl_weight_,
                  {.help = "coefficient of the KL on the forget set", .min = 0.0});
  }

 private:
  double kl_weight_ = 1.0;
};

std::unique_ptr<Loss> make_ga_forgetkl() { return std::make_unique<GradientAscentForgetKl>(); }

BenchmarkDefaults ga_forgetkl_defaults() { return {{"tofu", "", tofu_training()}}; }

}  // namespace

Method method_ga_forgetkl() {
  return {{"ga_forgetkl",
           "gradient ascent with a KL to the reference on the forget set",
           {{"grad_ascent_forgetKL"}, {"grad_diff_kl_forget", with_retain_nll()}}},
          make_ga_forgetkl,
          ga_forgetkl_defaults()};
}

}  // namespace unlearn::losses
