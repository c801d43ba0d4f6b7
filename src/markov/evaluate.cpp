#include "unlearn/markov/evaluate.h"

#include <algorithm>

#include "unlearn/scoring/token_logprob.h"

namespace unlearn::markov {
namespace {

constexpr int64_t kEvaluationBatch = 64;  // its activations stay in the cache

// P(next | state) of every chain, [sources * states, states].
torch::Tensor transition_table(double leakage) {
  std::vector<double> values;
  for (int source = 0; source < kNumSources; ++source) {
    const Chain chain(static_cast<Source>(source), leakage);
    for (int64_t state = 0; state < kStates; ++state) {
      const Distribution& row = chain.next(state);
      values.insert(values.end(), row.begin(), row.end());
    }
  }
  return torch::tensor(values, torch::kDouble).view({kNumSources * kStates, kStates});
}

}  // namespace

MeanKl transition_kl(const Decoder& decoder, const SequenceSet& set, double leakage) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor table = transition_table(leakage);
  const torch::Tensor negative_entropy = at::xlogy(table, table).sum(1);
  MeanKl result;
  for (int64_t begin = 0; begin < set.size(); begin += kEvaluationBatch) {
    const int64_t end = std::min(set.size(), begin + kEvaluationBatch);
    const Transitions at = run_decoder(decoder, set.slice(begin, end));
    const torch::Tensor predicted =
        scoring::logits(at.hidden, decoder.head()).to(torch::kDouble).log_softmax(1);
    const torch::Tensor row = at.sources * kStates + at.from;
    const torch::Tensor kl =
        negative_entropy.index_select(0, row) - table.index_select(0, row).mul_(predicted).sum(1);
    result.sum += kl.sum().item<double>();
    result.count += static_cast<double>(kl.size(0));
  }
  return result;
}

Distances measure(const Decoder& decoder, const std::array<SequenceSet, kNumSources>& test,
                  double leakage) {
  std::array<MeanKl, kNumSources> of;
  for (size_t i = 0; i < of.size(); ++i) of[i] = transition_kl(decoder, test[i], leakage);
  const MeanKl forget{of[1].sum + of[2].sum, of[1].count + of[2].count};
  return {of[0].mean(), forget.mean(), of[1].mean(), of[2].mean()};
}

}  // namespace unlearn::markov
