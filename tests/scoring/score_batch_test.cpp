// Which rows of which sequences reach the row functions, on a model whose hidden states are a
// table.
#include "unlearn/scoring/score_batch.h"

#include <gtest/gtest.h>

#include "test_folder.h"
#include "unlearn/core/error.h"

namespace unlearn::scoring {
namespace {

using data::Role;
using torch::Tensor;

constexpr int64_t kVocabulary = 110;
constexpr int64_t kWidth = 5;

// hidden[t] = table[id] + 0.01 position, which depends on nothing else.
class TableModel : public model::CausalLM {
 public:
  TableModel() {
    torch::manual_seed(3);
    table_ = torch::randn({kVocabulary, kWidth}, torch::kDouble);
    head_.weight = torch::randn({kVocabulary, kWidth}, torch::kDouble);
    dims_.vocab_size = kVocabulary;
    dims_.hidden_size = kWidth;
    dims_.num_layers = 2;
  }
  Tensor hidden_states(const model::PackedIds& batch,
                       const model::ForwardOptions& options) override {
    const Tensor places = batch.positions.to(torch::kDouble).unsqueeze(1);
    const Tensor x = table_.index_select(0, batch.ids) + 0.01 * places;
    if (options.captured != nullptr) {
      *options.captured = x * static_cast<double>(options.capture_layer);
    }
    return x;
  }
  model::Head head() const override { return head_; }
  std::unique_ptr<model::KvCache> make_cache(int64_t, int64_t) const override { return nullptr; }
  const model::ModelDims& dims() const override { return dims_; }
  bool is_decayed(const std::string&) const override { return false; }

  Tensor row(const data::Example& example, int64_t position) const {
    return table_[example.tokens[static_cast<size_t>(position)]] +
           0.01 * static_cast<double>(position);
  }

 private:
  Tensor table_;
  model::Head head_;
  model::ModelDims dims_;
};

data::Example example_of(std::vector<int32_t> tokens, size_t prompt) {
  data::Example example;
  example.labels = tokens;
  std::fill_n(example.labels.begin(), prompt, data::kIgnored);
  example.num_labels = static_cast<int64_t>(tokens.size() - prompt);
  example.tokens = std::move(tokens);
  return example;
}

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
    request.forget.rows.function = RowFunction::kMaxMinusMean;
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
  request.forget.rows.function = RowFunction::kMaxMinusMean;
  request.forget.rows.positions = RowPositions::kAll;
  const BatchScores some = score(request);
  EXPECT_FALSE(some.forget.logp.defined());
  EXPECT_TRUE(torch::allclose(some.retain.logp, plain.retain.logp));
  const Tensor z = model_.head().weight.matmul(model_.row(kept_, 1));
  EXPECT_NEAR(plain.retain.logp[0].item<double>(), z.log_softmax(0)[90].item<double>(), 1e-12);
}

// undial_ou: at positions without a label, -100 counts as the vocabulary's entry V - 100.
TEST_F(ScoreBatch, UndialWithoutALabelLowersEntryFromTheEnd) {
  ReferenceNeeds needs;
  needs.hidden = {{{Role::kForget, 0}, &first_, RowPositions::kAttended},
                  {{Role::kForget, 1}, &second_, RowPositions::kAttended}};
  const auto folder = std::filesystem::path(testing::TempDir()) / "unlearn_score_batch";
  std::filesystem::remove_all(folder);
  const auto reference = ReferenceCache::open_or_build(folder, model_, "table", needs, 64);
  ScoreRequest request;
  request.forget.rows.function = RowFunction::kUndial;
  request.forget.rows.beta = 10;
  const BatchScores scores = score(request, &reference);
  const auto value = [&](const data::Example& example, int64_t position, int64_t lowered) {
    const Tensor z = model_.head().weight.matmul(model_.row(example, position));
    Tensor teacher = z.clone();
    teacher[lowered] -= 10;
    return -(teacher.softmax(0) * z.log_softmax(0)).sum().item<double>();
  };
  EXPECT_NEAR(scores.forget.row_values[0].item<double>(), value(first_, 0, kVocabulary - 100),
              1e-12);
  EXPECT_NEAR(scores.forget.row_values[1].item<double>(), value(first_, 1, 9), 1e-12);
  EXPECT_NEAR(scores.forget.row_values[4].item<double>(), value(second_, 0, 1), 1e-12);
  std::filesystem::remove_all(folder);
}

// undial_ou and kl_padded_batch: padded further than the batch's longest text, only as far is
// looked.
TEST_F(ScoreBatch, LooksUpToTheLongestTextOfTheRole) {
  std::vector<data::Example> padded = {first_, second_};
  data::pad_examples(padded, {.length = 12, .token = 11});
  ReferenceNeeds needs;
  needs.hidden = {{{Role::kForget, 0}, &padded[0], RowPositions::kAll},
                  {{Role::kForget, 1}, &padded[1], RowPositions::kAll}};
  const TestFolder folder;
  const auto reference = ReferenceCache::open_or_build(folder.path(), model_, "table", needs, 64);
  // A longer text of another role does not count.
  const data::Example other = example_of(std::vector<int32_t>(9, 4), 2);
  ScoreRequest request;
  request.forget = {.logp = false, .rows = {}};
  request.forget.rows.function = RowFunction::kUndial;
  request.forget.rows.beta = 10;
  request.forget.rows.to_longest = true;
  for (const RowPositions positions : {RowPositions::kAttended, RowPositions::kAll}) {
    request.forget.rows.positions = positions;
    const int64_t each = positions == RowPositions::kAll ? 5 : 4;
    EXPECT_EQ(row_end({&padded[0], &padded[1]}, request.forget.rows), each);
    const data::PackedBatch batch = data::pack({{Role::kForget, &padded[0], 0},
                                                {Role::kRetain, &other, 0},
                                                {Role::kForget, &padded[1], 1}},
                                               request.with_last_token());
    const BatchScores scores = score_batch(model_, batch, request, &reference);
    EXPECT_EQ(scores.forget.row_offsets, (std::vector<int64_t>{0, each, 2 * each}));
    // The shorter text's first padding position, after which no label comes.
    const Tensor z = model_.head().weight.matmul(model_.row(padded[1], 3));
    Tensor teacher = z.clone();
    teacher[kVocabulary - 100] -= 10;
    const double wanted = -(teacher.softmax(0) * z.log_softmax(0)).sum().item<double>();
    EXPECT_NEAR(scores.forget.row_values[each + 3].item<double>(), wanted, 1e-12);
  }
}

}  // namespace
}  // namespace unlearn::scoring
