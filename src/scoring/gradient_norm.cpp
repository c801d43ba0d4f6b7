#include "unlearn/scoring/gradient_norm.h"

#include <torch/csrc/autograd/autograd.h>

#include "unlearn/core/error.h"
#include "unlearn/scoring/score_batch.h"

namespace unlearn::scoring {
namespace {

// Recomputed parts put their parameters' gradients into .grad and not where autograd::grad looks
// (model/recompute.h).
class NoRecompute {
 public:
  explicit NoRecompute(model::CausalLM& model) : model_(model), before_(model.recompute()) {
    model_.set_recompute(model::Recompute::kNone);
  }
  ~NoRecompute() { model_.set_recompute(before_); }
  NoRecompute(const NoRecompute&) = delete;
  NoRecompute& operator=(const NoRecompute&) = delete;

 private:
  model::CausalLM& model_;
  model::Recompute before_;
};

}  // namespace

double mean_gradient_norm(model::CausalLM& model, const data::Example& example) {
  const torch::AutoGradMode with_gradient(true);
  const NoRecompute whole_graph(model);
  const BatchScores scores =
      score_batch(model, data::pack({{data::Role::kForget, &example}}), {}, nullptr);
  std::vector<torch::Tensor> parameters;
  for (const torch::Tensor& parameter : model.parameters()) {
    if (parameter.requires_grad()) parameters.push_back(parameter);
  }
  UNLEARN_CHECK(!parameters.empty());
  const auto gradients =
      torch::autograd::grad({-scores.forget.logp.mean()}, parameters, {}, std::nullopt,
                            /*create_graph=*/false, /*allow_unused=*/true);
  double sum = 0;
  for (const torch::Tensor& gradient : gradients) {
    if (gradient.defined()) sum += gradient.norm(2, torch::kDouble).item<double>();
  }
  return sum / static_cast<double>(parameters.size());
}

}  // namespace unlearn::scoring
