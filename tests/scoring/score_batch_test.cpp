// Which rows of which sequences reach the row functions, on a model whose hidden states are a
// table.
#include "unlearn/scoring/score_batch.h"

#include <gtest/gtest.h>

#include <limits>

#include "scoring/table_model.h"
#include "unlearn/core/error.h"

namespace unlearn::scoring {
namespace {

using data::Role;
using torch::Tensor;

// (max - mean)^2 of a row's logits.
Tensor gap_value(const RowRequest&, const RowChunk& chunk) {
  return (chunk.logits.amax(1) - chunk.logits.mean(1)).square();
}
// The label that a row is compared with, and no gradient.
Tensor label_value(const RowRequest&, const RowChunk& chunk) {
  return chunk.targets.to(chunk.logits.scalar_type());
}
Tensor no_gradient(const RowRequest&, const RowChunk& chunk) {
  return torch::zeros_like(chunk.logits);
}
constexpr RowFunction kGap{.name = "gap", .value = gap_value, .gradient = no_gradient};
constexpr RowFunction kLabel{
    .name = "label", .needs_targets = true, .value = label_value, .gradient = no_gradient};

class ScoreBatch : public testing::Test {
 protected:
  ScoreBatch()
      : first_(example_of({7, 3, 9, 4, 2}, 2)),
        second_(example_of({8, 1, 6}, 1)),
        kept_(example_of({5, 5, 90, 2}, 2)) {}

  BatchScores score(const ScoreRequest& request, const ReferenceCache* reference = nullptr) {
    const data::PackedBatch batch = data::pack(
        {{Role::kForget, &first_, 0}, {Role::kRetain, &kept_, 0}, {Role::kForget, &second_, 1}},
        request.with_last_token());
    return score_batch(model_, batch, request, reference);
  }

  // (max - mean)^2 of the logits at these positions.
  std::vector<double> gaps(const data::Example& example, const std::vector<int64_t>& positions) {
    std::vector<double> values;
    for (const int64_t position : positions) {
      const Tensor z = model_.head().weight.matmul(model_.row(example, position));
      const double gap = (z.max() - z.mean()).item<double>();
      values.push_back(gap * gap);
    }
    return values;
  }

  void expect_rows(RowPositions positions, int64_t skip, const std::vector<int64_t>& of_first,
                   const std::vector<int64_t>& of_second) {
    ScoreRequest request;
    request.forget.rows.function = &kGap;
    request.forget.rows.positions = positions;
    request.forget.rows.skip = skip;
    const BatchScores scores = score(request);
    std::vector<double> wanted = gaps(first_, of_first);
    const std::vector<double> more = gaps(second_, of_second);
    wanted.insert(wanted.end(), more.begin(), more.end());
    ASSERT_EQ(scores.forget.row_values.numel(), static_cast<int64_t>(wanted.size()));
    EXPECT_TRUE(torch::allclose(scores.forget.row_values, torch::tensor(wanted, torch::kDouble)));
    EXPECT_EQ(scores.forget.row_offsets,
              (std::vector<int64_t>{0, static_cast<int64_t>(of_first.size()),
                                    static_cast<int64_t>(wanted.size())}));
    EXPECT_FALSE(scores.retain.row_values.defined());
  }

  TableModel model_;
  data::Example first_, second_, kept_;
};

TEST_F(ScoreBatch, RowsAreTakenAtTheAskedPositions) {
  expect_rows(RowPositions::kAttended, 0, {0, 1, 2, 3}, {0, 1});
  expect_rows(RowPositions::kLabels, 0, {1, 2, 3}, {0, 1});
  expect_rows(RowPositions::kLabels, 1, {2, 3}, {1});
  expect_rows(RowPositions::kLabels, 2, {3}, {});
  expect_rows(RowPositions::kLabelTokens, 0, {2, 3, 4}, {1, 2});
  expect_rows(RowPositions::kAll, 0, {0, 1, 2, 3, 4}, {0, 1, 2});
}

TEST_F(ScoreBatch, HiddenStatesAreThoseOfTheLabelTokens) {
  ScoreRequest request;
  request.forget = {.logp = false, .rows = {}, .hidden = true};
  request.hidden_layer = 3;
  const BatchScores scores = score(request);
  std::vector<Tensor> wanted;
  for (const int64_t position : {2, 3, 4}) wanted.push_back(3 * model_.row(first_, position));
  for (const int64_t position : {1, 2}) wanted.push_back(3 * model_.row(second_, position));
  EXPECT_TRUE(torch::allclose(scores.forget.hidden, torch::stack(wanted)));
  EXPECT_FALSE(scores.forget.logp.defined());
  EXPECT_FALSE(scores.retain.hidden.defined());
  EXPECT_EQ(scores.forget.lengths()[0].item<double>(), 3.0);
}

// The last token's own row and the roles left out change no log-probability.
TEST_F(ScoreBatch, LogProbabilitiesDoNotDependOnWhatElseIsAsked) {
  const BatchScores plain = score({});
  ScoreRequest request;
  request.forget.logp = false;
  request.forget.rows.function = &kGap;
  request.forget.rows.positions = RowPositions::kAll;
  const BatchScores some = score(request);
  EXPECT_FALSE(some.forget.logp.defined());
  EXPECT_TRUE(torch::allclose(some.retain.logp, plain.retain.logp));
  const Tensor z = model_.head().weight.matmul(model_.row(kept_, 1));
  EXPECT_NEAR(plain.retain.logp[0].item<double>(), z.log_softmax(0)[90].item<double>(), 1e-12);
}

TEST_F(ScoreBatch, APositionWithoutALabelHasTheOneAskedFor) {
  ScoreRequest request;
  request.forget.rows.function = &kLabel;
  const auto labels = [&](int64_t missing) {
    request.forget.rows.missing_label = missing;
    const Tensor values = score(request).forget.row_values.contiguous();
    return std::vector<double>(values.data_ptr<double>(),
                               values.data_ptr<double>() + values.numel());
  };
  EXPECT_EQ(labels(3), (std::vector<double>{3, 9, 4, 2, 1, 6}));
  EXPECT_EQ(labels(-100), (std::vector<double>{kVocabulary - 100, 9, 4, 2, 1, 6}));
}

TEST_F(ScoreBatch, LooksAsFarAsTheRequestSays) {
  ScoreRequest request;
  request.forget.rows.function = &kGap;
  EXPECT_EQ(row_end({&first_}, request.forget.rows), std::numeric_limits<int64_t>::max());
  // It is asked of the role's own examples.
  request.forget.rows.end = [](const std::vector<const data::Example*>& examples, RowPositions) {
    return static_cast<int64_t>(examples.size());
  };
  EXPECT_EQ(row_end({&first_, &kept_, &second_}, request.forget.rows), 3);
  const BatchScores scores = score(request);
  EXPECT_EQ(scores.forget.row_offsets, (std::vector<int64_t>{0, 2, 4}));
  std::vector<double> wanted = gaps(first_, {0, 1});
  for (const double gap : gaps(second_, {0, 1})) wanted.push_back(gap);
  EXPECT_TRUE(torch::allclose(scores.forget.row_values, torch::tensor(wanted, torch::kDouble)));
}

}  // namespace
}  // namespace unlearn::scoring
