// Plain next-token training: descent on the token mean of -log p of one stream. On the forget
// stream it relearns (relearning attacks) or fine-tunes; on the retain stream it is the references'
// `fine_tuned` baseline.
#include "losses/compat/padding.h"
#include "losses/forget_retain.h"

namespace unlearn::losses {
namespace {

constexpr config::Named<data::Role> kNllStreams[] = {{data::Role::kForget, "forget"},
                                                     {data::Role::kRetain, "retain"}};

class Nll : public Loss {
 public:
  Needs needs() const override {
    Needs needs;
    needs.forget = !on_retain();
    needs.retain = on_retain();
    return needs;
  }

  std::vector<Term> terms() const override {
    return {{config::name_in(kNllStreams, stream_), stream_, Unit::kToken, 1.0}};
  }

  std::vector<torch::Tensor> sums(const LossInputs& inputs) const override {
    return {-(on_retain() ? inputs.retain : inputs.forget).logp.sum()};
  }

  void visit(config::FieldVisitor& visitor) override {
    visitor.field("stream", stream_, kNllStreams, {.help = "the data trained on"});
  }

  std::vector<Quirk> quirks() override { return {pad_labels_quirk(&pad_labels_)}; }

  void decorate(RunExamples& examples) const override {
    if (pad_labels_) pad_run(kPaddedLabels, examples);
  }

 private:
  bool on_retain() const { return stream_ == data::Role::kRetain; }

  data::Role stream_ = data::Role::kForget;
  bool pad_labels_ = false;
};

std::unique_ptr<Loss> make_nll() { return std::make_unique<Nll>(); }

BenchmarkDefaults nll_defaults() {
  return {{"tofu", "", tofu_training()}, {"muse", "", muse_training()}};
}

}  // namespace

Method method_nll() {
  const Defaults on_retain = {{"method.stream", "retain"}};
  return {{"nll",
           "plain next-token training on the forget stream (relearning) or the retain stream",
           {{"finetune"},
            {"relearn"},
            {"finetune_retain", on_retain},
            {"fine_tuned", on_retain},
            {"grad_descent", on_retain},
            {"FinetuneTrainer", on_retain},
            {"FT", on_retain}}},
          make_nll,
          nll_defaults()};
}

}  // namespace unlearn::losses
