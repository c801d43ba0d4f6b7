// The language of the paper's synthetic experiment (arXiv 2410.07163, section 5 and appendix H):
// ten states and three Markov chains, each at home in three states of its own.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "unlearn/core/rng.h"

namespace unlearn::markov {

inline constexpr int64_t kStates = 10;

// Which chain a sequence comes from. Its home: states 0-2, 3-5, 6-8; state 9 is nobody's.
enum class Source : uint8_t { kRetain, kForget1, kForget2 };
inline constexpr int kNumSources = 3;

using Distribution = std::array<double, kStates>;

// Shannon entropy in nats.
double entropy(const Distribution& p);

// From a home state the chain stays at home with probability 1 - leakage, evenly over its three
// states, and leaves evenly over the seven others; from any other state it goes anywhere evenly.
class Chain {
 public:
  Chain(Source source, double leakage);

  // P(next | state).
  const Distribution& next(int64_t state) const { return rows_[static_cast<size_t>(state)]; }
  // P(first state): the same as from a home state.
  const Distribution& initial() const { return initial_; }
  // P(state at position t), t counted from 0.
  Distribution at(int64_t t) const;
  // The mean over the length - 1 transitions of the entropy of the next state: the least
  // cross-entropy a model of this chain can reach.
  double mean_transition_entropy(int64_t length) const;
  std::vector<int64_t> sample(int64_t length, Rng& rng) const;

 private:
  std::array<Distribution, kStates> rows_{};
  Distribution initial_{};
};

}  // namespace unlearn::markov
