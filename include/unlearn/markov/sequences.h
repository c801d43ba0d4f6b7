// Sampled sequences: rows of states, the chain each came from, and the experiment's data sets.
#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <vector>

#include "unlearn/markov/chain.h"

namespace unlearn::markov {

// n sequences, padded at the end with state 0; what lies past a sequence's length is never read.
struct SequenceSet {
  torch::Tensor states;   // [n, longest] int64
  torch::Tensor lengths;  // [n] int64, at least 2
  torch::Tensor sources;  // [n] int64, values of Source

  int64_t size() const { return states.size(0); }
  // These rows, in this order; `rows` [m] int64.
  SequenceSet select(const torch::Tensor& rows) const;
  SequenceSet slice(int64_t begin, int64_t end) const;
};

SequenceSet concatenate(const std::vector<SequenceSet>& sets);

struct CorpusOptions {
  double leakage = 0.2;
  std::array<int64_t, kNumSources> counts = {10000, 5000, 5000};
  std::array<int64_t, kNumSources> lengths = {20, 20, 20};
};

struct Corpus {
  std::array<SequenceSet, kNumSources> train;  // the first 80 % of each chain's samples
  std::array<SequenceSet, kNumSources> test;
};

// A pure function of its arguments: each chain samples from a stream of its own.
Corpus sample_corpus(const CorpusOptions& options, uint64_t seed);

}  // namespace unlearn::markov
