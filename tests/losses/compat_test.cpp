// What the reference quirks do to examples, masks and rows, by hand and on a model whose hidden
// states are a table.
#include "unlearn/losses/compat.h"

#include <gtest/gtest.h>

#include "losses/compat/padding.h"
#include "losses/fixture.h"
#include "scoring/table_model.h"
#include "test_folder.h"
#include "unlearn/core/error.h"
#include "unlearn/scoring/score_batch.h"

namespace unlearn::losses {
namespace {

using data::Example;
using data::kIgnored;
using data::Role;
using scoring::example_of;
using scoring::RowPositions;
using torch::Tensor;
using Mask = std::vector<uint8_t>;
using Tokens = std::vector<int32_t>;

constexpr int32_t kEos = 9;

// TOFU pads with EOS behind its attention mask: the EOS that ends an answer is padding too.
TEST(Padding, IsHidden) {
  std::vector<Example> examples = {example_of({1, 2, 3, kEos}, 1),
                                   example_of({4, 5, 6, 7, 8, 7}, 1),
                                   example_of({1, 2, 3, 4, 5, kEos}, 2)};
  pad_examples(examples, {.length = 6, .token = kEos});
  EXPECT_EQ(examples[0].tokens, (Tokens{1, 2, 3, kEos, kEos, kEos}));
  EXPECT_EQ(examples[0].labels, (Tokens{kIgnored, 2, 3, kEos, kIgnored, kIgnored}));
  EXPECT_EQ(examples[0].num_labels, 3);
  EXPECT_EQ(examples[0].num_appended, 2);
  EXPECT_EQ(examples[0].seen, (Mask{1, 1, 1, 0, 0, 0}));
  EXPECT_TRUE(examples[1].seen.empty());
  EXPECT_EQ(examples[2].seen, (Mask{1, 1, 1, 1, 1, 0}));
  EXPECT_EQ(examples[2].num_appended, 0);
  const std::vector<data::PackItem> items = {
      {Role::kForget, &examples[0]}, {Role::kForget, &examples[1]}, {Role::kRetain, &examples[2]}};
  EXPECT_EQ(data::pack(items).offsets, (std::vector<int64_t>{0, 5, 10, 15}));
  EXPECT_EQ(data::pack(items).seen, (Mask{1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}));
}

TEST(Padding, MayBeLabelled) {
  std::vector<Example> examples = {example_of({1, 2, kEos}, 1)};
  pad_examples(examples, {.length = 5, .token = kEos, .labelled = true});
  EXPECT_EQ(examples[0].labels, (Tokens{kIgnored, 2, kEos, kEos, kEos}));
  EXPECT_EQ(examples[0].num_labels, 4);
  EXPECT_EQ(examples[0].seen, (Mask{1, 1, 1, 0, 0}));
  const data::PackedBatch batch = data::pack({{Role::kForget, &examples[0]}});
  EXPECT_TRUE(torch::equal(batch.targets, torch::tensor({2, kEos, kEos, kEos}, torch::kLong)));
  EXPECT_TRUE(torch::equal(batch.positions, torch::arange(4)));
}

// A run on one forget and one retain text, decorated.
struct Decorated {
  Decorated(const std::string& method, const std::string& retain,
            const std::vector<std::string>& quirks)
      : loss(make_loss(method, {{method == "nll" ? "stream" : "retain_loss", retain}}, quirks)) {
    examples.forget = &forget;
    examples.retain = &retained;
    examples.benchmark = "wmdp";
    examples.max_length = 6;
    examples.eos = kEos;
    names = quirks;
  }
  void run() { decorate_examples(*loss, names, examples); }

  std::unique_ptr<Loss> loss;
  std::vector<std::string> names;
  std::vector<Example> forget = {example_of({1, 2, 3, kEos}, 1)};
  std::vector<Example> retained = {example_of({4, kEos, 5, 6}, 1)};
  RunExamples examples;
};

TEST(Quirks, PadWhereTheyRead) {
  // Tokens appended to the forget and to the retain text, and labels of the forget text.
  const auto padding = [](const std::string& method, const char* retain, const char* quirk) {
    Decorated run(method, retain, {quirk});
    run.run();
    return std::tuple(run.forget[0].num_appended, run.retained[0].num_appended,
                      run.forget[0].num_labels);
  };
  EXPECT_EQ(padding("npo", "kl", "kl_padded"), std::tuple(0, 2, 3));
  EXPECT_EQ(padding("ga_forgetkl", "kl", "kl_padded"), std::tuple(2, 2, 3));
  EXPECT_EQ(padding("npo", "kl", "kl_padded_batch"), std::tuple(0, 2, 3));
  EXPECT_EQ(padding("undial", "nll", "undial_ou"), std::tuple(2, 0, 3));
  EXPECT_EQ(padding("ga", "nll", "wmdp_pad_labels"), std::tuple(2, 2, 5));
  EXPECT_EQ(padding("nll", "forget", "wmdp_pad_labels"), std::tuple(2, 2, 5));
  EXPECT_EQ(padding("npo", "kl", "muse_logits"), std::tuple(0, 0, 3));
  const auto loss = make_loss("npo", {{"retain_loss", "kl"}}, {"kl_padded"});
  EXPECT_EQ(loss->needs().retain_rows.positions, RowPositions::kAll);
  EXPECT_EQ(loss->terms().at(1).unit, Unit::kPosition);
  const auto both = [] {
    make_loss("npo", {{"retain_loss", "kl"}}, {"kl_padded", "kl_padded_batch"});
  };
  EXPECT_NE(refusal(both).find("name one"), std::string::npos);
}

TEST(Quirks, PaddingThatCannotBeIsRefused) {
  const auto complaint = [](const auto& change) {
    Decorated run("ga", "nll", {"wmdp_pad_labels"});
    change(run.examples);
    return refusal([&] { run.run(); });
  };
  EXPECT_EQ(complaint([](RunExamples&) {}), "accepted");
  EXPECT_NE(complaint([](RunExamples& examples) {
              examples.benchmark = "tofu";
            }).find("belongs to data.benchmark: wmdp, not tofu"),
            std::string::npos);
  EXPECT_NE(
      complaint([](RunExamples& examples) { examples.eos.reset(); }).find("no EOS to pad with"),
      std::string::npos);
  EXPECT_NE(complaint([](RunExamples& examples) {
              examples.forget = examples.retain = nullptr;
            }).find("this run has none"),
            std::string::npos);
}

TEST(Quirks, PadTokensAreMasked) {
  Decorated run("ga", "nll", {});
  run.names = {"Pad-Is-Masked"};
  run.examples.eos.reset();
  EXPECT_NE(refusal([&] { run.run(); }).find("neither a pad token nor EOS"), std::string::npos);
  run.examples.eos = 3;
  run.examples.pad = kEos;  // goes before EOS
  run.run();
  EXPECT_EQ(run.forget[0].seen, (Mask{1, 1, 1, 0}));
  EXPECT_EQ(run.retained[0].seen, (Mask{1, 0, 1, 1}));
  EXPECT_EQ(run.retained[0].num_appended, 0);
  // Without a pad token, EOS; beside padding.
  Decorated padded("npo", "kl", {"kl_padded"});
  padded.names.push_back("pad_is_masked");
  padded.run();
  EXPECT_EQ(padded.forget[0].seen, (Mask{1, 1, 1, 0}));
  EXPECT_EQ(padded.retained[0].seen, (Mask{1, 0, 1, 1, 0, 0}));
  EXPECT_EQ(padded.retained[0].num_appended, 2);
}

// OpenUnlearning's UNDIAL on the table model. Where a position has no label, -100 counts as the
// vocabulary's entry V - 100; looked at is as far as the longest text of the role reaches, padding
// included.
class UndialOu : public testing::Test {
 protected:
  void expect_rows(const std::vector<Example>& forget) {
    const auto loss = make_loss("undial", {{"beta", 10.0}}, {"undial_ou"});
    const Needs needs = loss->needs();
    EXPECT_EQ(needs.forget_rows.positions, RowPositions::kAttended);
    scoring::ReferenceNeeds wanted;
    for (const Example& example : forget) {
      wanted.hidden.push_back({&example, needs.forget_rows.positions});
    }
    const TestFolder folder;
    const auto reference =
        scoring::ReferenceCache::open_or_build(folder.path(), model_, "table", wanted, 64);
    // A longer text of another role does not count.
    const Example other = example_of(Tokens(9, 4), 2);
    scoring::ScoreRequest request;
    request.forget = {.logp = needs.forget_logp, .rows = needs.forget_rows};
    const data::PackedBatch batch = data::pack(
        {{Role::kForget, &forget[0]}, {Role::kRetain, &other}, {Role::kForget, &forget[1]}});
    const auto scores = scoring::score_batch(model_, batch, request, &reference);
    EXPECT_EQ(scores.forget.row_offsets, (std::vector<int64_t>{0, 4, 8}));
    int64_t row = 0;
    for (const Example& example : forget) {
      for (int64_t position = 0; position < 4; ++position) {
        EXPECT_NEAR(scores.forget.row_values[row++].item<double>(), value(example, position), 1e-12)
            << position;
      }
    }
  }

  double value(const Example& example, int64_t position) const {
    const int32_t label = example.labels[static_cast<size_t>(position) + 1];
    const Tensor z = model_.head().weight.matmul(model_.row(example, position));
    Tensor teacher = z.clone();
    teacher[label == kIgnored ? scoring::kVocabulary - 100 : label] -= 10;
    return -(teacher.softmax(0) * z.log_softmax(0)).sum().item<double>();
  }

  scoring::TableModel model_;
};

TEST_F(UndialOu, PositionsWithoutALabel) {
  expect_rows({example_of({7, 3, 9, 4, 2}, 2), example_of({8, 1, 6, 5, 3}, 1)});
}

// Padded further than the longest text.
TEST_F(UndialOu, PaddingUpToTheLongestText) {
  std::vector<Example> padded = {example_of({7, 3, 9, 4, 2}, 2), example_of({8, 1, 6}, 1)};
  pad_examples(padded, {.length = 12, .token = 11});
  EXPECT_EQ(end_of_longest_text({&padded[0], &padded[1]}, RowPositions::kAttended), 4);
  EXPECT_EQ(end_of_longest_text({&padded[0], &padded[1]}, RowPositions::kAll), 5);
  expect_rows(padded);
}

}  // namespace
}  // namespace unlearn::losses
