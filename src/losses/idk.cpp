// IDK, "preference optimisation" in TOFU's paper: descent on refusals and on the retain set, one
// token mean over both together. Unlearn-Simple and TOFU dataloader.py `idk`.
#include "losses/forget_retain.h"

namespace unlearn::losses {
namespace {

class Idk : public Loss {
 public:
  Needs needs() const override {
    Needs needs;
    needs.forget = false;
    needs.retain = true;
    needs.alternate = true;
    return needs;
  }

  std::vector<Term> terms() const override {
    return {{"forget", data::Role::kAlternate, Unit::kToken, 1.0, {data::Role::kRetain}},
            {"retain", data::Role::kRetain, Unit::kToken, 1.0, {data::Role::kAlternate}}};
  }

  std::vector<torch::Tensor> sums(const LossInputs& inputs) const override {
    return {-inputs.alternate.logp.sum(), -inputs.retain.logp.sum()};
  }

  std::vector<Diagnostic> diagnostics(const LossInputs& inputs) const override {
    return {diagnostic("refusal_logprob", inputs.alternate.logp)};
  }

  void visit(config::FieldVisitor&) override {}
};

std::unique_ptr<Loss> make_idk() { return std::make_unique<Idk>(); }

BenchmarkDefaults idk_defaults() { return {{"tofu", "", tofu_training()}}; }

}  // namespace

Method method_idk() {
  return {{"idk",
           "trains refusals as answers to the forget questions, beside the retain set",
           {{"po"}}},
          make_idk,
          idk_defaults()};
}

}  // namespace unlearn::losses
