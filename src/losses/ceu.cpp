// CE-U (arXiv 2503.01224): cross-entropy against the model's own distribution without the true
// token, held fixed: l = -sum_v q log pi, q = softmax(z with z_y = -inf), the mean over label
// positions. OpenUnlearning src/trainer/unlearn/ceu.py; it has no retain term.
#include "losses/forget_retain.h"
#include "losses/rows.h"

namespace unlearn::losses {
namespace {

class Ceu : public ForgetRetainLoss {
 public:
  Ceu() : ForgetRetainLoss({.forget = 1.0, .retain_loss = RetainLoss::kNone, .retain = 1.0}) {}

 protected:
  Unit forget_unit() const override { return Unit::kPosition; }

  void add_needs(Needs& needs) const override {
    needs.forget_logp = false;
    needs.forget_rows.function = &row_ceu();
    needs.forget_rows.positions = scoring::RowPositions::kLabels;
    needs.forget_rows.skip = skip_;
  }

  torch::Tensor forget_sum(const LossInputs& inputs) const override {
    return inputs.forget.row_values.sum();
  }

  void visit_own(config::FieldVisitor& visitor) override {
    visitor.field("ignore_first_n_answer_tokens", skip_,
                  {.help = "answer tokens at the start that are left alone", .min = 0});
  }

 private:
  int64_t skip_ = 1;
};

std::unique_ptr<Loss> make_ceu() { return std::make_unique<Ceu>(); }

BenchmarkDefaults ceu_defaults() { return {{"tofu", "", tofu_training()}}; }

}  // namespace

Method method_ceu() {
  return {{"ceu",
           "cross-entropy towards the model's own distribution without the true token",
           {{"ce_u"}}},
          make_ceu,
          ceu_defaults()};
}

}  // namespace unlearn::losses
