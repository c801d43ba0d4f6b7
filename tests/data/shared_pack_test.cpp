// Packs of sequences that begin alike: what is there once, and where each sequence finds it.
#include "unlearn/data/shared_pack.h"

#include <gtest/gtest.h>

#include "unlearn/core/rng.h"

namespace unlearn::data {
namespace {

using Numbers = std::vector<int64_t>;

Numbers numbers(const torch::Tensor& tensor) {
  return {tensor.data_ptr<int64_t>(), tensor.data_ptr<int64_t>() + tensor.numel()};
}

std::vector<TokenSpan> spans(const std::vector<std::vector<int32_t>>& sequences) {
  return {sequences.begin(), sequences.end()};
}

TEST(SharedPack, WhatNeighboursBeginWithIsThereOnce) {
  const std::vector<std::vector<int32_t>> sequences = {{1, 2, 3}, {1, 2}, {1, 2, 4, 5}, {6, 2}};
  const SharedPack pack = pack_shared(spans(sequences), true);
  EXPECT_EQ(numbers(pack.ids), (Numbers{1, 2, 3, 4, 5, 6, 2}));
  EXPECT_EQ(numbers(pack.positions), (Numbers{0, 1, 2, 2, 3, 0, 1}));
  EXPECT_EQ(numbers(pack.places), (Numbers{0, 1, 2, 0, 1, 0, 1, 3, 4, 5, 6}));
  EXPECT_EQ(numbers(pack.first), (Numbers{0, 1, 2, 7, 8, 9, 10}));
  EXPECT_EQ(pack.offsets, (Numbers{0, 3, 5, 9, 11}));
}

TEST(SharedPack, WithoutSharingSequencesLieEndToEnd) {
  const std::vector<std::vector<int32_t>> sequences = {{1, 2}, {1, 2, 4}};
  const SharedPack pack = pack_shared(spans(sequences), false);
  EXPECT_FALSE(pack.places.defined());
  EXPECT_EQ(numbers(pack.ids), (Numbers{1, 2, 1, 2, 4}));
  EXPECT_EQ(numbers(pack.positions), (Numbers{0, 1, 0, 1, 2}));
  EXPECT_EQ(pack.offsets, (Numbers{0, 2, 5}));
  EXPECT_FALSE(pack_shared(spans({{1, 2}, {2, 1}}), true).places.defined());
}

TEST(SharedPack, TheOrderBringsBeginningsTogether) {
  const std::vector<std::vector<int32_t>> sequences = {{5, 1}, {2}, {5}, {2, 9, 9}, {5, 1}};
  EXPECT_EQ(order_by_beginning(spans(sequences)), (std::vector<size_t>{1, 3, 2, 0, 4}));
}

TEST(SharedPack, CutsCountWhatAPackHolds) {
  const std::vector<std::vector<int32_t>> sequences = {
      {1, 2, 3, 4}, {1, 2, 3, 5}, {1, 2, 3, 6}, {1, 2, 7, 8}, {1, 2, 7, 8, 9, 9, 9, 9, 9}};
  EXPECT_EQ(cut_by_pack(spans(sequences), 6, true), (std::vector<size_t>{0, 3, 4, 5}));
  EXPECT_EQ(cut_by_pack(spans(sequences), 8, false), (std::vector<size_t>{0, 2, 4, 5}));
  EXPECT_EQ(cut_by_pack(spans(sequences), 100, true), (std::vector<size_t>{0, 5}));
  EXPECT_EQ(cut_by_pack({}, 8, true), (std::vector<size_t>{0}));
  // Equal sequences add nothing, but attention still sees each of them: 4 budgets of names.
  const std::vector<std::vector<int32_t>> equal(9, {1, 2});
  EXPECT_EQ(cut_by_pack(spans(equal), 2, true), (std::vector<size_t>{0, 4, 8, 9}));
}

// Whatever is packed in whatever order, each sequence finds its own tokens and positions.
TEST(SharedPack, EverySequenceReadsItself) {
  Rng rng(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::vector<int32_t>> sequences(static_cast<size_t>(1 + rng.below(8)));
    for (auto& sequence : sequences) {
      sequence.resize(static_cast<size_t>(1 + rng.below(6)));
      for (int32_t& token : sequence) token = static_cast<int32_t>(rng.below(2));
    }
    const SharedPack pack = pack_shared(spans(sequences), true);
    const Numbers ids = numbers(pack.ids), positions = numbers(pack.positions);
    const bool shared = pack.places.defined();
    Numbers places;
    for (int64_t e = 0; e < pack.offsets.back(); ++e) places.push_back(e);
    if (shared) places = numbers(pack.places);
    ASSERT_EQ(shared, pack.num_tokens() < pack.offsets.back());
    for (size_t i = 0; i < sequences.size(); ++i) {
      for (size_t t = 0; t < sequences[i].size(); ++t) {
        const auto at = static_cast<size_t>(places[static_cast<size_t>(pack.offsets[i]) + t]);
        EXPECT_EQ(ids[at], sequences[i][t]);
        EXPECT_EQ(positions[at], static_cast<int64_t>(t));
      }
    }
    const Numbers first = shared ? numbers(pack.first) : Numbers();
    for (size_t t = 0; t < first.size(); ++t) {
      EXPECT_EQ(places[static_cast<size_t>(first[t])], static_cast<int64_t>(t));
    }
  }
}

}  // namespace
}  // namespace unlearn::data
