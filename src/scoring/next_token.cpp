#include "unlearn/scoring/next_token.h"

#include <algorithm>

#include "unlearn/core/error.h"
#include "unlearn/scoring/score_batch.h"
#include "unlearn/scoring/token_logprob.h"

namespace unlearn::scoring {

std::vector<std::vector<double>> next_token_logprob(model::CausalLM& model,
                                                    const std::vector<NextTokenQuery>& queries) {
  torch::NoGradGuard no_grad;
  const model::Head head = model.head();
  const torch::Device device = head.weight.device();
  std::vector<data::TokenSpan> prompts;
  size_t longest = 0;
  for (const NextTokenQuery& query : queries) {
    UNLEARN_CHECK(!query.prompt->empty() && !query.candidates->empty());
    prompts.emplace_back(*query.prompt);
    longest = std::max(longest, query.prompt->size());
  }
  // Prompts have their heading in common.
  const std::vector<size_t> order = data::order_by_beginning(prompts);
  std::vector<data::TokenSpan> sorted;
  for (const size_t index : order) sorted.push_back(prompts[index]);
  const data::SharedPack pack =
      data::pack_shared(sorted, model.can_share_tokens(static_cast<int64_t>(longest)));
  const torch::Tensor hidden = model.hidden_states(packed_ids(pack, device));
  torch::Tensor last = torch::tensor(pack.offsets, torch::kLong).slice(0, 1) - 1;
  if (pack.places.defined()) last = pack.places.index_select(0, last);
  const torch::Tensor logp = logits(hidden.index_select(0, last.to(device)), head)
                                 .log_softmax(1)
                                 .to(torch::kCPU, torch::kDouble);
  std::vector<std::vector<double>> results(queries.size());
  for (size_t i = 0; i < queries.size(); ++i) {
    const torch::Tensor row = logp[static_cast<int64_t>(i)];
    std::vector<double>& values = results[order[i]];
    for (const int32_t candidate : *queries[order[i]].candidates) {
      values.push_back(row[candidate].item<double>());
    }
  }
  return results;
}

}  // namespace unlearn::scoring
