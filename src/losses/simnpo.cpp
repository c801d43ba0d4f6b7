// SimNPO (arXiv 2410.07163, eq. 4): no reference model, and the answer's log-probability divided by
// its length: l = -(2/beta) log sigmoid(-(beta/|y|) log pi - gamma), the mean over sequences.
// Unlearn-Simple TOFU/dataloader.py `simnpo`, OpenUnlearning SimNPO; both write the margin inside
// beta, beta (-m - delta), so gamma = delta beta.
#include "losses/batch_mean.h"
#include "losses/forget_retain.h"
#include "unlearn/core/error.h"

namespace unlearn::losses {
namespace {

class SimNpo : public ForgetRetainLoss {
 public:
  SimNpo() : ForgetRetainLoss({}) {}

  std::vector<Statistic> statistics(const LossInputs& inputs) const override {
    if (!batch_mean_) return {};
    return {batch_mean_statistic(inputs.forget.logp)};
  }

  void set_statistics(const std::vector<double>& means) override {
    if (batch_mean_) step_mean_ = means.at(0);
  }

 protected:
  void check_own() const override {
    if (muse_logits() && batch_mean_) {
      user_error("train.compat: muse_logits and wmdp_batch_mean both replace simnpo's forget term");
    }
    if (delta_ && gamma_) {
      user_error("method.gamma and method.delta: both are given (", number(*gamma_), " and ",
                 number(*delta_), "); give one, gamma = delta * beta, or set one to auto");
    }
  }

  Unit forget_unit() const override {
    return muse_logits() ? Unit::kPosition : batch_mean_ ? Unit::kToken : Unit::kSequence;
  }

  void add_needs(Needs& needs) const override {
    needs.batch_statistics = batch_mean_;
    if (!muse_logits()) return;
    needs.forget_logp = false;
    needs.forget_rows.function = scoring::RowFunction::kRawSimNpo;
    needs.forget_rows.positions = scoring::RowPositions::kAll;
    needs.forget_rows.beta = beta_;
    needs.forget_rows.margin = margin();
  }

  torch::Tensor forget_sum(const LossInputs& inputs) const override {
    if (muse_logits()) return inputs.forget.row_values.sum();
    if (batch_mean_) {
      return batch_mean_sum(inputs.forget.logp,
                            {.beta = beta_, .margin = margin(), .step_mean = step_mean_});
    }
    return torch::log_sigmoid(argument(inputs)).sum() * (-2.0 / beta_);
  }

  // w' = (2/|y|) pi^(beta/|y|) / (1 + pi^(beta/|y|)) for margin 0
  torch::Tensor forget_weights(const LossInputs& inputs) const override {
    if (muse_logits() || batch_mean_) return {};
    return 2.0 * torch::sigmoid(-argument(inputs)) / inputs.forget.lengths();
  }

  void visit_own(config::FieldVisitor& visitor) override {
    visitor.field("beta", beta_,
                  {.help = "inverse temperature of the mean log-probability",
                   .min = 0,
                   .exclusive_min = true});
    visitor.field("gamma", gamma_,
                  {.help = "the paper's margin: the argument is -(beta/|y|) log pi - gamma; auto: "
                           "delta * beta, or 0",
                   .unset_word = "auto"});
    visitor.field("delta", delta_,
                  {.help = "the reference codes' margin, gamma / beta; at most one of the two",
                   .unset_word = "auto"});
  }

  std::vector<Quirk> own_quirks() override {
    return {{"wmdp_batch_mean",
             "Unlearn-Simple's WMDP code: one loss of the batch's token mean, not of each sequence",
             &batch_mean_}};
  }

 private:
  double margin() const { return delta_ ? *delta_ * beta_ : gamma_.value_or(0.0); }

  // -(beta/|y|) log pi - gamma [S]
  torch::Tensor argument(const LossInputs& inputs) const {
    const auto& forget = inputs.forget;
    const auto mean = forget.sum_per_sequence(forget.logp) / forget.lengths();
    return -beta_ * mean - margin();
  }

  double beta_ = 2.5;
  std::optional<double> gamma_;  // at most one of the two
  std::optional<double> delta_;
  bool batch_mean_ = false;
  std::optional<double> step_mean_;
};

std::unique_ptr<Loss> make_simnpo() { return std::make_unique<SimNpo>(); }

// TOFU: Unlearn-Simple's two released settings (its npo_coeff is our forget_weight). forget01 has
// none of its own and takes forget05's, the nearest split.
BenchmarkDefaults simnpo_defaults() {
  return {
      {"tofu", "",
       tofu_training() + Defaults{{"method.beta", "2.5"},
                                  {"method.forget_weight", "0.1375"},
                                  {"method.retain_weight", "1.0"},
                                  {"method.retain_loss", "nll"},
                                  {"data.pairing", "fixed"}}},
      {"tofu", "forget10", {{"method.beta", "4.5"}, {"method.forget_weight", "0.125"}}},
      {"muse", "",
       muse_training() + Defaults{{"method.beta", "0.7"},
                                  {"method.forget_weight", "1.0"},
                                  {"method.retain_weight", "0.1"}}},
      {"muse", kBooks, {{"method.beta", "0.75"}}},
      {"wmdp", "",
       wmdp_training("4e-6") + Defaults{{"method.beta", "5.5"}, {"method.retain_weight", "5.0"}}}};
}

}  // namespace

Method method_simnpo() {
  return {{"simnpo",
           "SimNPO: length-normalised negative preference optimisation without a reference model",
           {{"simnpo_grad_diff", with_retain_nll()},
            {"simnpo_graddiff", with_retain_nll()},
            {"simnpo_gdr", with_retain_nll()},
            {"simnpo_rt", with_retain_nll()},
            {"SimNPO+FT", with_retain_nll()},
            {"simnpo_kl", with_retain_kl()},
            {"simnpo_klr", with_retain_kl()}}},
          make_simnpo,
          simnpo_defaults()};
}

}  // namespace unlearn::losses
