#include "unlearn/core/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace unlearn {
namespace {

// The retain rows that Unlearn-Simple's rule gives (made with PyTorch's own generator).
TEST(GoldenRng, FirstTorchDrawPairsRows) {
  const std::vector<int64_t> forget05 = {3644, 46, 850, 3189, 3334, 3016, 936, 3022, 2131, 1679};
  const std::vector<int64_t> forget10 = {44, 2246, 650, 1789, 1934, 616, 2336, 1222, 3131, 3079};
  for (int64_t i = 0; i < 10; ++i) {
    const auto seed = static_cast<uint64_t>(i);
    EXPECT_EQ((i + torch_first_randint(seed, 3800)) % 3800, forget05[seed]);
    EXPECT_EQ((i + torch_first_randint(seed, 3600)) % 3600, forget10[seed]);
  }
}

TEST(Rng, PermutationIsAPureFunction) {
  std::vector<int64_t> order = permutation(100, 7, 3);
  EXPECT_EQ(order, permutation(100, 7, 3));
  EXPECT_NE(order, permutation(100, 7, 4));
  EXPECT_NE(order, permutation(100, 8, 3));
  std::sort(order.begin(), order.end());
  std::vector<int64_t> identity(100);
  std::iota(identity.begin(), identity.end(), 0);
  EXPECT_EQ(order, identity);
}

TEST(Rng, StateRestores) {
  Rng rng(5);
  rng.next();
  const uint64_t saved = rng.state();
  const uint64_t expected = rng.next();
  rng.set_state(saved);
  EXPECT_EQ(rng.next(), expected);
}

TEST(Rng, BelowIsUniform) {
  Rng rng(1);
  std::vector<int> histogram(7);
  for (int i = 0; i < 70000; ++i) ++histogram[static_cast<size_t>(rng.below(7))];
  for (const int count : histogram) EXPECT_NEAR(count, 10000, 500);
}

}  // namespace
}  // namespace unlearn
