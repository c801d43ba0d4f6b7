#include "unlearn/markov/sequences.h"

#include <algorithm>

#include "unlearn/core/error.h"

namespace unlearn::markov {
namespace {

constexpr uint64_t kSamplingStream = 0x5A11;

SequenceSet sample_set(Source source, const CorpusOptions& options, uint64_t seed) {
  const auto index = static_cast<size_t>(source);
  const int64_t count = options.counts[index];
  const int64_t length = options.lengths[index];
  const Chain chain(source, options.leakage);
  Rng rng(mix_bits(seed, kSamplingStream, index));
  std::vector<int64_t> states;
  states.reserve(static_cast<size_t>(count * length));
  for (int64_t i = 0; i < count; ++i) {
    const auto sequence = chain.sample(length, rng);
    states.insert(states.end(), sequence.begin(), sequence.end());
  }
  return {torch::tensor(states, torch::kInt64).view({count, length}),
          torch::full({count}, length, torch::kInt64),
          torch::full({count}, static_cast<int64_t>(index), torch::kInt64)};
}

}  // namespace

SequenceSet SequenceSet::select(const torch::Tensor& rows) const {
  return {states.index_select(0, rows), lengths.index_select(0, rows),
          sources.index_select(0, rows)};
}

SequenceSet SequenceSet::slice(int64_t begin, int64_t end) const {
  return {states.slice(0, begin, end), lengths.slice(0, begin, end), sources.slice(0, begin, end)};
}

SequenceSet concatenate(const std::vector<SequenceSet>& sets) {
  int64_t longest = 0;
  for (const SequenceSet& set : sets) longest = std::max(longest, set.states.size(1));
  std::vector<torch::Tensor> states, lengths, sources;
  for (const SequenceSet& set : sets) {
    states.push_back(at::constant_pad_nd(set.states, {0, longest - set.states.size(1)}, 0));
    lengths.push_back(set.lengths);
    sources.push_back(set.sources);
  }
  return {at::cat(states), at::cat(lengths), at::cat(sources)};
}

Corpus sample_corpus(const CorpusOptions& options, uint64_t seed) {
  Corpus corpus;
  for (size_t source = 0; source < kNumSources; ++source) {
    UNLEARN_CHECK(options.lengths[source] >= 2 && options.counts[source] >= 2, "source ", source);
    const SequenceSet all = sample_set(static_cast<Source>(source), options, seed);
    const int64_t boundary = all.size() * 4 / 5;
    corpus.train[source] = all.slice(0, boundary);
    corpus.test[source] = all.slice(boundary, all.size());
  }
  return corpus;
}

}  // namespace unlearn::markov
