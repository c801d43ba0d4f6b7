// Figures of the chains: worked out by hand from the definition (the specification of the synthetic
// experiment gives them to 12 digits).
#include "unlearn/markov/chain.h"

#include <gtest/gtest.h>

#include <cmath>

#include "unlearn/markov/sequences.h"

namespace unlearn::markov {
namespace {

constexpr double kLeakage = 0.2;

double home_share(const Distribution& p) { return p[0] + p[1] + p[2]; }

TEST(GoldenChain, EntropyOfAHomeRow) {
  const Chain chain(Source::kRetain, kLeakage);
  EXPECT_NEAR(chain.next(0)[0], 0.2666666667, 1e-10);
  EXPECT_NEAR(chain.next(0)[9], 0.0285714286, 1e-10);
  EXPECT_NEAR(entropy(chain.next(0)), 1.76847428428, 1e-11);
  // KL(row || uniform) = log 10 - entropy.
  EXPECT_NEAR(std::log(10.0) - entropy(chain.next(0)), 0.53411080871, 1e-11);
}

TEST(GoldenChain, HomeShareOverTime) {
  const Chain chain(Source::kRetain, kLeakage);
  const double expected[] = {0.8, 0.7, 0.65, 0.625, 0.6125};
  for (int64_t t = 0; t < 5; ++t) EXPECT_NEAR(home_share(chain.at(t)), expected[t], 1e-12);
  const Distribution late = chain.at(200);
  EXPECT_NEAR(late[1], 0.2, 1e-12);
  EXPECT_NEAR(late[7], 0.0571428571, 1e-10);
}

TEST(GoldenChain, LeastCrossEntropy) {
  for (const Source source : {Source::kRetain, Source::kForget1, Source::kForget2}) {
    EXPECT_NEAR(Chain(source, kLeakage).mean_transition_entropy(20), 1.97087419114, 1e-11);
  }
}

TEST(Chain, HomesDoNotOverlapAndNineIsNobodys) {
  for (int64_t source = 0; source < kNumSources; ++source) {
    const Chain chain(static_cast<Source>(source), kLeakage);
    for (int64_t state = 0; state < kStates; ++state) {
      double sum = 0;
      for (const double p : chain.next(state)) sum += p;
      EXPECT_NEAR(sum, 1.0, 1e-12);
      const bool is_home = state / 3 == source;
      EXPECT_NEAR(entropy(chain.next(state)), is_home ? 1.76847428428 : std::log(10.0), 1e-10);
    }
  }
}

// Frequencies of 4,000 sequences lie within 4 standard deviations of the chain's probabilities.
TEST(Corpus, SamplesFollowTheChain) {
  CorpusOptions options;
  options.counts = {4000, 100, 100};
  const Corpus corpus = sample_corpus(options, 1);
  const SequenceSet all = concatenate({corpus.train[0], corpus.test[0]});
  const Chain chain(Source::kRetain, kLeakage);
  for (const int64_t t : {0, 1, 3, 19}) {
    const double expected = home_share(chain.at(t));
    const double seen = all.states.select(1, t).lt(3).to(torch::kDouble).mean().item<double>();
    EXPECT_NEAR(seen, expected, 4 * std::sqrt(expected * (1 - expected) / 4000)) << "t = " << t;
  }
}

TEST(Corpus, SplitsEightyTwentyAndPads) {
  CorpusOptions options;
  options.counts = {50, 30, 30};
  options.lengths = {20, 20, 5};
  const Corpus corpus = sample_corpus(options, 3);
  EXPECT_EQ(corpus.train[0].size(), 40);
  EXPECT_EQ(corpus.test[0].size(), 10);
  EXPECT_EQ(corpus.train[2].size(), 24);
  const SequenceSet forget = concatenate({corpus.train[1], corpus.train[2]});
  EXPECT_EQ(forget.states.sizes(), (std::vector<int64_t>{48, 20}));
  EXPECT_EQ(forget.lengths[47].item<int64_t>(), 5);
  EXPECT_EQ(forget.sources[47].item<int64_t>(), 2);
  // Another seed, other data; one chain's options never move another chain's draws.
  EXPECT_FALSE(torch::equal(sample_corpus(options, 4).train[0].states, corpus.train[0].states));
  options.counts[0] = 100;
  EXPECT_TRUE(torch::equal(sample_corpus(options, 3).train[1].states, corpus.train[1].states));
}

}  // namespace
}  // namespace unlearn::markov
