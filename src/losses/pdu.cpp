// PDU (arXiv 2506.05314): flattens the logits of forget positions, l_f = (max_v z - mean_v z)^2,
// under the constraint that the retain loss stays below eps, by primal-dual steps:
// L = c_f l_f + lambda (l_r - eps), lambda <- max(0, lambda + eta (l_r - eps)).
// OpenUnlearning src/trainer/unlearn/pdu.py, whose forget rows are those of the label tokens
// themselves (unshifted): its only released form, and the default here.
#include <cmath>

#include "losses/forget_retain.h"
#include "losses/rows.h"
#include "unlearn/core/error.h"

namespace unlearn::losses {
namespace {

enum class DualUpdate : uint8_t { kStep, kEpoch };
constexpr config::Named<DualUpdate> kDualUpdates[] = {{DualUpdate::kStep, "step"},
                                                      {DualUpdate::kEpoch, "epoch"}};

class Pdu : public ForgetRetainLoss {
 public:
  Pdu() : ForgetRetainLoss({}) {}

  std::vector<Term> terms() const override {
    std::vector<Term> terms = ForgetRetainLoss::terms();
    if (!has_retain()) return terms;
    terms.at(1).weight = lambda();
    terms.at(1).offset = -eps_.value_or(0.0);  // without dual steps too, where it moves nothing
    return terms;
  }

  void observe(const std::vector<double>& means, double epoch) override {
    if (upon_ == DualUpdate::kStep && epoch >= warmup_) update(means);
  }

  void observe_epoch(const std::vector<double>& means, double epoch) override {
    if (upon_ == DualUpdate::kEpoch && epoch >= warmup_) update(means);
  }

  std::vector<Diagnostic> diagnostics(const LossInputs& inputs) const override {
    std::vector<Diagnostic> values = ForgetRetainLoss::diagnostics(inputs);
    if (is_dual()) values.push_back({"dual", lambda(), 1.0});
    return values;
  }

  Json save_state() const override { return {{"dual", lambda()}}; }

  void load_state(const Json& state) override { lambda_ = state.at("dual").get<double>(); }

 protected:
  void check_own() const override {
    if (primal_dual_ && !eps_) {
      user_error(
          "method.retain_loss_eps: pdu needs the retain loss that is still acceptable "
          "(about the model's own before unlearning; published: TOFU 0.3, MUSE News 1.5, "
          "Books 0.1)");
    }
    if (primal_dual_ && !has_retain()) {
      user_error(
          "method.retain_loss: pdu's dual steps need a retain term (nll or kl) with a "
          "retain_weight above 0, or primal_dual: false");
    }
  }

  Unit forget_unit() const override { return Unit::kPosition; }

  void add_needs(Needs& needs) const override {
    needs.forget_logp = false;
    needs.forget_rows.function = &row_max_minus_mean();
    needs.forget_rows.positions =
        shift_ ? scoring::RowPositions::kLabels : scoring::RowPositions::kLabelTokens;
    needs.epoch_means = is_dual() && upon_ == DualUpdate::kEpoch;
    needs.is_sequential = is_dual() && upon_ == DualUpdate::kStep;
  }

  torch::Tensor forget_sum(const LossInputs& inputs) const override {
    return inputs.forget.row_values.sum();
  }

  void visit_own(config::FieldVisitor& visitor) override {
    visitor.field(
        "primal_dual", primal_dual_,
        {.help = "false: the retain weight stays as it is, and eps only shifts the loss that is "
                 "reported"});
    visitor.field("retain_loss_eps", eps_,
                  {.help = "retain loss that is still acceptable; has no default"});
    visitor.field("dual_step_size", step_size_,
                  {.help = "step size of the dual variable", .min = 0});
    visitor.field("dual_update_upon", upon_, kDualUpdates,
                  {.help = "when the dual variable moves"});
    visitor.field("dual_warmup_epochs", warmup_,
                  {.help = "epochs before the dual variable moves", .min = 0});
  }

  std::vector<Quirk> own_quirks() override {
    return {{"pdu_shift",
             "forget rows shifted as in every other method: those that predict a label", &shift_}};
  }

 private:
  bool is_dual() const { return primal_dual_ && has_retain(); }
  double lambda() const { return lambda_.value_or(weights().retain); }

  void update(const std::vector<double>& means) {
    if (!is_dual()) return;
    lambda_ = std::max(0.0, lambda() + step_size_ * (means.at(1) - eps_.value_or(0.0)));
  }

  bool primal_dual_ = true;
  std::optional<double> eps_;
  double step_size_ = 1.0;
  DualUpdate upon_ = DualUpdate::kStep;
  double warmup_ = 5.0;
  bool shift_ = false;
  std::optional<double> lambda_;  // unset: retain_weight
};

std::unique_ptr<Loss> make_pdu() { return std::make_unique<Pdu>(); }

BenchmarkDefaults pdu_defaults() {
  return {{"tofu", "",
           tofu_training() + Defaults{{"method.retain_weight", "100"},
                                      {"method.dual_step_size", "5"},
                                      {"method.retain_loss_eps", "0.3"}}},
          {"muse", "",
           muse_training() + Defaults{{"method.retain_weight", "50"},
                                      {"method.dual_step_size", "1"},
                                      {"method.dual_warmup_epochs", "3"},
                                      {"method.retain_loss_eps", "1.5"}}},
          {"muse", kBooks, {{"method.retain_loss_eps", "0.1"}}}};
}

}  // namespace

Method method_pdu() {
  return {{"pdu", "flat forget logits under a bound on the retain loss (primal-dual)", {}},
          make_pdu,
          pdu_defaults()};
}

}  // namespace unlearn::losses
