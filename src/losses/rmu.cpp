// RMU (arXiv 2403.03218): pushes one block's output at the forget tokens towards a fixed random
// vector c = steering_coeff r / |r|, r ~ U[0,1)^d, and keeps it where it was at the retain tokens.
// The distance is the mean over d of squared errors, averaged over a sequence's label tokens, then
// over sequences. OpenUnlearning src/trainer/unlearn/rmu.py.
#include "losses/forget_retain.h"
#include "unlearn/core/error.h"
#include "unlearn/core/pattern.h"
#include "unlearn/core/rng.h"

namespace unlearn::losses {
namespace {

constexpr uint64_t kControlStream = 0x726d75;  // "rmu": a draw of its own beside the data's order

// The number at the end of a pattern such as "model\.layers\.7".
int64_t layer_of(const std::string& pattern) {
  static const Pattern form(R"(.*\.\d{1,4}\$?)", "module_regex");
  if (!form.matches(pattern)) {
    user_error(
        "method.module_regex: must end in one block's number, e.g. model\\.layers\\.7, not '",
        pattern, "'; or give method.layer");
  }
  return std::stoll(pattern.substr(pattern.rfind('.') + 1));
}

class Rmu : public ForgetRetainLoss {
 public:
  Rmu() : ForgetRetainLoss({.forget = 1.0, .retain_loss = RetainLoss::kOwn, .retain = 1.0}) {}

  void start(const ModelFacts& facts) override {
    if (layer() >= facts.num_layers) {
      user_error("method.layer: the model has blocks 0 to ", facts.num_layers - 1, ", not ",
                 layer());
    }
    Rng rng(mix_bits(facts.seed, kControlStream));
    direction_.clear();
    double squares = 0;
    for (int64_t i = 0; i < facts.hidden_size; ++i) {
      direction_.push_back(rng.uniform());
      squares += direction_.back() * direction_.back();
    }
    for (double& value : direction_) value /= std::sqrt(squares);
  }

  Json save_state() const override { return {{"direction", direction_}}; }

  void load_state(const Json& state) override {
    direction_ = state.at("direction").get<std::vector<double>>();
  }

  std::vector<Statistic> statistics(const LossInputs& inputs) const override {
    if (!ou_) return {};
    return {inverse_lengths("forget_inverse_length", inputs.forget),
            inverse_lengths("retain_inverse_length", inputs.retain)};
  }

  void set_statistics(const std::vector<double>& means) override {
    if (ou_) step_inverse_lengths_ = means;
  }

 protected:
  void check_own() const override {
    layer();
    make_patterns(trainable_, "method.trainable_params_regex");
  }

  Unit forget_unit() const override { return Unit::kSequence; }

  void add_needs(Needs& needs) const override {
    needs.forget_logp = false;
    needs.hidden_layer = layer();
    needs.hidden_forget = true;
    needs.hidden_retain = retain_is(RetainLoss::kOwn);
    needs.reference_hidden_retain = needs.hidden_retain;
    needs.batch_statistics = ou_;
    needs.trainable = trainable_;
  }

  torch::Tensor forget_sum(const LossInputs& inputs) const override {
    const torch::Tensor& hidden = inputs.forget.hidden;
    UNLEARN_CHECK(static_cast<int64_t>(direction_.size()) == hidden.size(1), "no control vector");
    const auto target = torch::tensor(direction_, torch::kDouble).to(hidden.options()) * steering_;
    return activation_sum(inputs.forget, target.unsqueeze(0), 0);
  }

  std::string_view own_retain_loss() const override { return "embed_diff"; }

  torch::Tensor own_retain_sum(const LossInputs& inputs) const override {
    UNLEARN_CHECK(inputs.retain.reference_hidden.defined(), "no reference hidden states");
    return activation_sum(inputs.retain, inputs.retain.reference_hidden, 1);
  }

  void visit_own(config::FieldVisitor& visitor) override {
    visitor.field("layer", layer_, {.help = "the block whose output is steered, from 0", .min = 0});
    visitor.field("module_regex", module_regex_,
                  {.help = "OpenUnlearning's way to say layer: model\\.layers\\.7"});
    visitor.field("steering_coeff", steering_,
                  {.help = "length of the vector that forget activations are pushed to", .min = 0});
    visitor.field("trainable_params_regex", trainable_,
                  {.help = "patterns of whole parameter names that are trained"});
  }

  std::vector<Quirk> own_quirks() override {
    return {{"rmu_ou",
             "OpenUnlearning: sums of all sequences times the mean inverse length (a B x B "
             "broadcast) instead of each sum by its own length",
             &ou_}};
  }

 private:
  int64_t layer() const { return module_regex_.empty() ? layer_ : layer_of(module_regex_); }

  static Statistic inverse_lengths(const char* name, const scoring::TokenScores& scores) {
    if (!scores.hidden.defined()) return {name, 0.0, 0.0};
    return {name, scores.lengths().reciprocal().sum().item<double>(),
            static_cast<double>(scores.num_sequences())};
  }

  // `target` [N, d] or [1, d]; `statistic` names the role's place in statistics().
  torch::Tensor activation_sum(const scoring::TokenScores& scores, const torch::Tensor& target,
                               size_t statistic) const {
    const auto per_token = (scores.hidden - target).square().mean(1);
    const auto sums = scores.sum_per_sequence(per_token);
    if (!ou_) return (sums / scores.lengths()).sum();
    const Statistic own = inverse_lengths("inverse_length", scores);
    const double mean = step_inverse_lengths_.empty() ? own.sum / std::max(1.0, own.count)
                                                      : step_inverse_lengths_.at(statistic);
    return sums.sum() * mean;
  }

  int64_t layer_ = 7;
  std::string module_regex_;
  double steering_ = 2.0;
  std::vector<std::string> trainable_ = {".*"};
  bool ou_ = false;
  std::vector<double> direction_;  // r / |r|
  std::vector<double> step_inverse_lengths_;
};

std::unique_ptr<Loss> make_rmu() { return std::make_unique<Rmu>(); }

BenchmarkDefaults rmu_defaults() {
  return {{"tofu", "", tofu_training()},
          {"wmdp", "",
           wmdp_training("5e-5", "80") +
               Defaults{{"train.batch_size", "16"},
                        {"train.schedule", "constant"},
                        {"train.warmup_steps", "0"},
                        {"method.trainable_params_regex",
                         "['model\\.layers\\.(5|6|7)\\.mlp\\.down_proj\\.weight']"}}}};
}

}  // namespace

Method method_rmu() {
  return {{"rmu", "steers one block's activations on forget data to a random vector", {}},
          make_rmu,
          rmu_defaults()};
}

}  // namespace unlearn::losses
