// Packs: what the model reads, which rows predict which labels, and cuts by token budget.
#include "unlearn/data/packing.h"

#include <gtest/gtest.h>

namespace unlearn::data {
namespace {

Example example(std::vector<int32_t> tokens, size_t masked) {
  Example out;
  out.labels = tokens;
  std::fill_n(out.labels.begin(), masked, kIgnored);
  out.num_labels = static_cast<int64_t>(tokens.size() - masked);
  out.tokens = std::move(tokens);
  return out;
}

std::vector<int64_t> values(const torch::Tensor& tensor) {
  return {tensor.data_ptr<int64_t>(), tensor.data_ptr<int64_t>() + tensor.numel()};
}

using Numbers = std::vector<int64_t>;

TEST(Packing, SequencesLieEndToEndWithoutTheirLastToken) {
  const Example a = example({10, 11, 12, 13}, 2);  // predicts 12 and 13
  const Example b = example({20, 21}, 1);          // predicts 21
  const Example c = example({30, 31, 32}, 1);      // predicts 31 and 32
  const PackedBatch batch = pack({{Role::kForget, &a}, {Role::kRetain, &b}, {Role::kForget, &c}});
  EXPECT_EQ(values(batch.ids), (Numbers{10, 11, 12, 20, 30, 31}));
  EXPECT_EQ(values(batch.positions), (Numbers{0, 1, 2, 0, 0, 1}));
  EXPECT_EQ(batch.offsets, (Numbers{0, 3, 4, 6}));
  EXPECT_EQ(values(batch.label_rows), (Numbers{1, 2, 3, 4, 5}));
  EXPECT_EQ(values(batch.targets), (Numbers{12, 13, 21, 31, 32}));
  ASSERT_EQ(batch.segments.size(), 3u);
  EXPECT_EQ(batch.segments[1].role, Role::kRetain);
  EXPECT_EQ(batch.segments[2].label_offset, 3);
  EXPECT_EQ(batch.segments[2].num_labels, 2);
  EXPECT_EQ(batch.segments[2].example, &c);
}

TEST(Packing, ALabelInTheMiddleMayBeMasked) {
  Example gap = example({1, 2, 3, 4}, 1);
  gap.labels[2] = kIgnored;
  gap.num_labels = 2;
  const PackedBatch batch = pack({{Role::kForget, &gap}});
  EXPECT_EQ(values(batch.label_rows), (Numbers{0, 2}));
  EXPECT_EQ(values(batch.targets), (Numbers{2, 4}));
}

TEST(Packing, HiddenTokensStayHidden) {
  Example whole = example({1, 2, 3}, 1), middle = example({4, 9, 5, 6}, 1),
          end = example({7, 8, 9}, 1);
  EXPECT_FALSE(hide_token(whole, 9));
  EXPECT_TRUE(whole.seen.empty());
  EXPECT_TRUE(hide_token(middle, 9));
  EXPECT_EQ(middle.seen, (std::vector<uint8_t>{1, 0, 1, 1}));
  EXPECT_TRUE(hide_token(middle, 6));
  EXPECT_EQ(middle.seen, (std::vector<uint8_t>{1, 0, 1, 0}));
  EXPECT_TRUE(hide_token(end, 9));
  const std::vector<PackItem> items = {
      {Role::kForget, &whole}, {Role::kRetain, &middle}, {Role::kForget, &end}};
  EXPECT_EQ(pack(items).seen, (std::vector<uint8_t>{1, 1, 1, 0, 1, 1, 1}));
  EXPECT_EQ(pack(items, /*with_last_token=*/true).seen,
            (std::vector<uint8_t>{1, 1, 1, 1, 0, 1, 0, 1, 1, 0}));
  // A last token that is only predicted is not there to be hidden.
  EXPECT_TRUE(pack({{Role::kForget, &whole}, {Role::kForget, &end}}).seen.empty());
}

TEST(Packing, CutsKeepTheOrderAndTheBudget) {
  std::vector<Example> examples;
  for (const size_t length : {3, 5, 2, 9, 2, 2, 4}) {
    examples.push_back(example(std::vector<int32_t>(length, 7), 1));
  }
  std::vector<PackItem> items;
  for (const Example& one : examples) items.push_back({Role::kForget, &one});
  // Input tokens: 2 4 1 8 1 1 3.
  EXPECT_EQ(cut_by_tokens(items, 6), (std::vector<size_t>{0, 2, 3, 4, 7}));
  EXPECT_EQ(cut_by_tokens(items, 1), (std::vector<size_t>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(cut_by_tokens(items, 1000), (std::vector<size_t>{0, 7}));
  EXPECT_EQ(cut_by_tokens({}, 5), (std::vector<size_t>{0}));
}

}  // namespace
}  // namespace unlearn::data
