// Which rows a step sees: Unlearn-Simple's fixed pairs (golden rows), and streams that are pure
// functions of seed, epoch and position.
#include "unlearn/data/pair_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "unlearn/core/error.h"

namespace unlearn::data {
namespace {

PairStreamOptions options(int64_t forget, int64_t retain, Pairing pairing) {
  PairStreamOptions out;
  out.num_forget = forget;
  out.num_retain = retain;
  out.num_alternate = 100;
  out.pairing = pairing;
  return out;
}

bool same(const PairItem& a, const PairItem& b) {
  return a.forget == b.forget && a.retain == b.retain && a.alternate == b.alternate;
}

// Rows that Unlearn-Simple's TOFU/dataloader.py pairs, drawn with torch.Generator (spec §4.1).
TEST(GoldenPairs, RetainRowsOfUnlearnSimple) {
  const std::map<int64_t, std::vector<int64_t>> golden = {
      {3800, {3644, 46, 850, 3189, 3334, 3016, 936, 3022, 2131, 1679}},
      {3600, {44, 2246, 650, 1789, 1934, 616, 2336, 1222, 3131, 3079}},
      {3960, {1484, 3686, 2810, 2509, 2654, 256, 536, 142, 3131, 2719}},
  };
  for (const auto& [retain, rows] : golden) {
    const PairStream stream(options(40, retain, Pairing::kFixed));
    int found = 0;
    for (int64_t position = 0; position < 40; ++position) {
      const PairItem item = stream.at(position);
      if (item.forget >= 10) continue;
      EXPECT_EQ(item.retain, rows[static_cast<size_t>(item.forget)]) << "row " << item.forget;
      ++found;
    }
    EXPECT_EQ(found, 10);
  }
}

TEST(GoldenPairs, RefusalLinesOfUnlearnSimple) {
  const std::vector<int64_t> golden = {44, 45, 48, 86, 30, 11, 30, 15, 23, 70};
  for (int64_t row = 0; row < 10; ++row) {
    EXPECT_EQ(refusal_line(row, 100), golden[static_cast<size_t>(row)]);
  }
}

TEST(PairStream, FixedPairsDoNotDependOnSeedOrEpoch) {
  PairStreamOptions one = options(50, 70, Pairing::kFixed);
  PairStreamOptions other = one;
  other.seed = 1;
  const PairStream a(one), b(other);
  std::map<int64_t, int64_t> retain_of;
  for (int64_t position = 0; position < 200; ++position) {
    for (const PairItem& item : {a.at(position), b.at(position)}) {
      const auto [entry, fresh] = retain_of.emplace(item.forget, item.retain);
      EXPECT_EQ(entry->second, item.retain);
    }
  }
  EXPECT_EQ(retain_of.size(), 50u);
}

TEST(PairStream, EveryEpochIsAnotherPermutation) {
  const PairStream stream(options(50, 70, Pairing::kRandom));
  std::vector<std::vector<int64_t>> epochs(3);
  for (int64_t position = 0; position < 150; ++position) {
    epochs[static_cast<size_t>(position / 50)].push_back(stream.at(position).forget);
  }
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_NE(epochs[1], epochs[2]);
  for (auto& epoch : epochs) {
    std::sort(epoch.begin(), epoch.end());
    for (int64_t i = 0; i < 50; ++i) EXPECT_EQ(epoch[static_cast<size_t>(i)], i);
  }
}

TEST(PairStream, AnItemIsAFunctionOfItsPositionAlone) {
  for (const Pairing pairing : {Pairing::kFixed, Pairing::kRandom, Pairing::kCyclic}) {
    PairStream forward(options(37, 91, pairing));
    const std::vector<PairItem> items = forward.take(150);
    EXPECT_EQ(forward.cursor(), 150);
    const PairStream backward(options(37, 91, pairing));
    for (int64_t position = 149; position >= 0; --position) {
      EXPECT_TRUE(same(backward.at(position), items[static_cast<size_t>(position)]));
    }
    PairStream resumed(options(37, 91, pairing));
    resumed.set_cursor(60);
    const std::vector<PairItem> rest = resumed.take(90);
    for (size_t i = 0; i < rest.size(); ++i) EXPECT_TRUE(same(rest[i], items[60 + i]));
  }
}

TEST(PairStream, RandomPairsAreDrawnAnewAndUniformly) {
  const PairStream stream(options(10, 5, Pairing::kRandom));
  std::map<int64_t, std::set<int64_t>> seen;
  std::vector<int> counts(5);
  for (int64_t position = 0; position < 5000; ++position) {
    const PairItem item = stream.at(position);
    seen[item.forget].insert(item.retain);
    ++counts[static_cast<size_t>(item.retain)];
  }
  for (const auto& [row, retain] : seen) EXPECT_EQ(retain.size(), 5u) << row;
  // 1000 each; 5 standard deviations of a binomial are 141.
  for (const int count : counts) EXPECT_NEAR(count, 1000, 141);
}

TEST(PairStream, WithoutShufflingRowsComeInFileOrder) {
  PairStreamOptions plain = options(4, 3, Pairing::kRandom);
  plain.shuffle = false;
  const PairStream stream(plain);
  for (int64_t position = 0; position < 12; ++position) {
    EXPECT_EQ(stream.at(position).forget, position % 4);
    EXPECT_EQ(stream.at(position).retain, position % 3);
  }
}

TEST(PairStream, StreamsThatAreNotThereAreMinusOne) {
  PairStreamOptions only_forget = options(4, 0, Pairing::kFixed);
  only_forget.num_alternate = 0;
  EXPECT_EQ(PairStream(only_forget).at(2).retain, -1);
  EXPECT_EQ(PairStream(only_forget).at(2).alternate, -1);
  PairStreamOptions own = options(4, 9, Pairing::kRandom);
  own.num_alternate = 4;
  own.alternate_per_forget = true;
  for (int64_t p = 0; p < 8; ++p) {
    EXPECT_EQ(PairStream(own).at(p).alternate, PairStream(own).at(p).forget);
  }
}

}  // namespace
}  // namespace unlearn::data
