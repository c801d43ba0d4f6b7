// Negative preference optimisation (arXiv 2404.05868): with S the sum of log pi over the answer,
// l = -(2/beta) log sigmoid(-beta (S - S_ref)), the mean over sequences.
// Unlearn-Simple TOFU/dataloader.py `npo`, OpenUnlearning NPO; its synthetic/unlearn_utils.py has
// the ablations npo_ave (S / |y|) and npo_noref (no S_ref).
#include "losses/compat/batch_mean.h"
#include "losses/forget_retain.h"
#include "losses/rows.h"
#include "unlearn/core/error.h"

namespace unlearn::losses {
namespace {

class Npo : public ForgetRetainLoss {
 public:
  Npo() : ForgetRetainLoss({}) {}

  std::vector<Statistic> statistics(const LossInputs& inputs) const override {
    if (!batch_mean_) return {};
    return {batch_mean_statistic(token_ratios(inputs.forget))};
  }

  void set_statistics(const std::vector<double>& means) override {
    if (batch_mean_) step_mean_ = means.at(0);
  }

 protected:
  void check_own() const override {
    if (batch_mean_ && length_normalised_) {
      user_error("method.length_normalised: has no meaning with train.compat: wmdp_batch_mean");
    }
    if (raw_logits() && (batch_mean_ || length_normalised_ || !use_reference_)) {
      user_error(
          "train.compat: muse_logits replaces the whole forget term of npo; take "
          "wmdp_batch_mean, length_normalised and use_reference back to their defaults");
    }
  }

  Unit forget_unit() const override {
    return raw_logits() ? Unit::kPosition : batch_mean_ ? Unit::kToken : Unit::kSequence;
  }

  void add_needs(Needs& needs) const override {
    needs.batch_statistics = batch_mean_;
    if (raw_logits()) {
      needs.forget_logp = false;
      needs.forget_rows = raw_rows(row_raw_npo(), beta_);
    } else {
      needs.reference_forget = use_reference_;
    }
  }

  torch::Tensor forget_sum(const LossInputs& inputs) const override {
    if (raw_logits()) return inputs.forget.row_values.sum();
    if (batch_mean_) {
      return batch_mean_sum(token_ratios(inputs.forget), {.beta = beta_, .step_mean = step_mean_});
    }
    return torch::log_sigmoid(-beta_ * ratio(inputs.forget)).sum() * (-2.0 / beta_);
  }

  // w = 2 pi^beta / (pi^beta + pi_ref^beta)
  torch::Tensor forget_weights(const LossInputs& inputs) const override {
    if (raw_logits() || batch_mean_) return {};
    const auto w = 2.0 * torch::sigmoid(beta_ * ratio(inputs.forget));
    return length_normalised_ ? w / inputs.forget.lengths() : w;
  }

  void visit_own(config::FieldVisitor& visitor) override {
    visitor.field(
        "beta", beta_,
        {.help = "inverse temperature of the log-ratio", .min = 0, .exclusive_min = true});
    visitor.field("length_normalised", length_normalised_,
                  {.help = "ablation npo_ave: the log-ratio divided by the answer's length"});
    visitor.field("use_reference", use_reference_,
                  {.help = "false, ablation npo_noref: log pi itself instead of the log-ratio"});
  }

  std::vector<Quirk> own_quirks() override { return {batch_mean_quirk(&batch_mean_)}; }

 private:
  // log pi - log pi_ref of every token [N]
  torch::Tensor token_ratios(const scoring::TokenScores& scores) const {
    if (!use_reference_) return scores.logp;
    UNLEARN_CHECK(scores.reference_logp.defined(), "no reference log-probabilities");
    return scores.logp - scores.reference_logp;
  }

  // of every sequence [S]
  torch::Tensor ratio(const scoring::TokenScores& scores) const {
    const auto sums = scores.sum_per_sequence(token_ratios(scores));
    return length_normalised_ ? sums / scores.lengths() : sums;
  }

  double beta_ = 0.1;
  bool length_normalised_ = false;
  bool use_reference_ = true;
  bool batch_mean_ = false;
  std::optional<double> step_mean_;
};

std::unique_ptr<Loss> make_npo() { return std::make_unique<Npo>(); }

BenchmarkDefaults npo_defaults() {
  return {
      {"tofu", "", tofu_training() + Defaults{{"method.beta", "0.1"}}},
      {"muse", "", muse_training() + Defaults{{"method.beta", "0.1"}}},
      // The paper's grid starts at 0.05; the code's 0.0225 belongs to another (token-mean) form.
      {"wmdp", "",
       wmdp_training("5e-6") + Defaults{{"method.beta", "0.05"}, {"method.retain_weight", "5.0"}}}};
}

}  // namespace

Method method_npo() {
  return {{"npo",
           "negative preference optimisation: the answer's log-ratio to the reference model",
           {{"npo_grad_diff", with_retain_nll()},
            {"npo_graddiff", with_retain_nll()},
            {"npo_gdr", with_retain_nll()},
            {"npo_rt", with_retain_nll()},
            {"NPO+FT", with_retain_nll()},
            {"npo_kl", with_retain_kl()},
            {"npo_klr", with_retain_kl()},
            {"npo_ave", {{"method.length_normalised", "true"}}},
            {"npo_noref", {{"method.use_reference", "false"}}},
            {"npo_no_ref", {{"method.use_reference", "false"}}}}},
          make_npo,
          npo_defaults()};
}

}  // namespace unlearn::losses
