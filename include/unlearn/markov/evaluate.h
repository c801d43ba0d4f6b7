// How far a decoder is from the chains: the experiment's only metric.
#pragma once

#include <array>

#include "unlearn/markov/decoder.h"

namespace unlearn::markov {

// Mean over all transitions of a set of KL(P(next | current state) || prediction), in nats. Kept as
// sum and count so that sets can be pooled.
struct MeanKl {
  double sum = 0;
  double count = 0;

  double mean() const { return sum / count; }
};

// KL to the true rows of the chain each sequence came from, without gradient.
MeanKl transition_kl(const Decoder& decoder, const SequenceSet& set, double leakage);

// The four numbers of the records. Forget pools Forget1 and Forget2 over transitions.
struct Distances {
  double retain, forget, forget1, forget2;
};
Distances measure(const Decoder& decoder, const std::array<SequenceSet, kNumSources>& test,
                  double leakage);

}  // namespace unlearn::markov
