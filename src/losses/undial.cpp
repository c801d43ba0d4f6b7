// UNDIAL (arXiv 2402.10052): self-distillation towards the reference's own distribution with the
// true token's logit lowered by beta: l = -sum_v q log pi, the mean over label positions.
// OpenUnlearning src/trainer/unlearn/undial.py.
#include "losses/compat/padding.h"
#include "losses/forget_retain.h"
#include "losses/rows.h"

namespace unlearn::losses {
namespace {

class Undial : public ForgetRetainLoss {
 public:
  Undial() : ForgetRetainLoss({.forget = 1.0, .retain_loss = RetainLoss::kNll, .retain = 0.0}) {}

 protected:
  Unit forget_unit() const override { return Unit::kPosition; }

  void add_needs(Needs& needs) const override {
    needs.forget_logp = false;
    needs.forget_rows.function = &row_undial();
    needs.forget_rows.positions = scoring::RowPositions::kLabels;
    needs.forget_rows.beta = beta_;
    if (!ou_) return;
    needs.forget_rows.positions = scoring::RowPositions::kAttended;
    needs.forget_rows.missing_label = data::kIgnored;
    needs.forget_rows.end = end_of_longest_text;
  }

  torch::Tensor forget_sum(const LossInputs& inputs) const override {
    return inputs.forget.row_values.sum();
  }

  void visit_own(config::FieldVisitor& visitor) override {
    visitor.field("beta", beta_,
                  {.help = "how much the true token's logit is lowered in the teacher", .min = 0});
  }

  std::vector<Quirk> own_quirks() override {
    return {{"undial_ou",
             "OpenUnlearning: the mean runs over prompt and padding positions too, where the label "
             "-100 lowers vocabulary entry V-100",
             &ou_}};
  }

 private:
  double beta_ = 10.0;
  bool ou_ = false;
};

std::unique_ptr<Loss> make_undial() { return std::make_unique<Undial>(); }

BenchmarkDefaults undial_defaults() {
  return {{"tofu", "", tofu_training() + Defaults{{"train.lr", "1e-4"}}}};
}

}  // namespace

Method method_undial() {
  return {{"undial", "distillation towards the reference with the true token's logit lowered", {}},
          make_undial,
          undial_defaults()};
}

}  // namespace unlearn::losses
