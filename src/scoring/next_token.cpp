#include "unlearn/scoring/next_token.h"

#include <torch/csrc/autograd/autograd.h>

#include <numeric>

#include "unlearn/core/error.h"
#include "unlearn/scoring/score_batch.h"
#include "unlearn/scoring/token_logprob.h"

namespace unlearn::scoring {

std::vector<std::vector<double>> next_token_logprob(model::CausalLM& model,
                                                    const std::vector<NextTokenQuery>& queries) {
  torch::NoGradGuard no_grad;
  const model::Head head = model.head();
  const torch::Device device = head.weight.device();
  std::vector<int64_t> ids, positions, last, offsets = {0};
  for (const NextTokenQuery& query : queries) {
    UNLEARN_CHECK(!query.prompt->empty() && !query.candidates->empty());
    ids.insert(ids.end(), query.prompt->begin(), query.prompt->end());
    positions.resize(ids.size());
    std::iota(positions.begin() + offsets.back(), positions.end(), int64_t{0});
    offsets.push_back(static_cast<int64_t>(ids.size()));
    last.push_back(offsets.back() - 1);
  }
  const auto to_device = [&](const std::vector<int64_t>& values) {
    return torch::tensor(values, torch::kLong).to(device);
  };
  const torch::Tensor hidden = model.hidden_states({to_device(ids), to_device(positions), offsets});
  const torch::Tensor logp = logits(hidden.index_select(0, to_device(last)), head)
                                 .log_softmax(1)
                                 .to(torch::kCPU, torch::kDouble);
  std::vector<std::vector<double>> results;
  for (size_t i = 0; i < queries.size(); ++i) {
    const torch::Tensor row = logp[static_cast<int64_t>(i)];
    std::vector<double>& values = results.emplace_back();
    for (const int32_t candidate : *queries[i].candidates) {
      values.push_back(row[candidate].item<double>());
    }
  }
  return results;
}

double mean_gradient_norm(model::CausalLM& model, const data::Example& example) {
  torch::AutoGradMode with_gradient(true);
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
