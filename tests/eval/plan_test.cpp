#include "unlearn/eval/plan.h"

#include <gtest/gtest.h>

#include <functional>

#include "test_folder.h"

namespace unlearn::eval {
namespace {

data::Example planned_example(std::vector<int32_t> tokens) {
  data::Example result;
  result.labels = tokens;
  result.labels.front() = data::kIgnored;
  result.num_labels = static_cast<int64_t>(tokens.size()) - 1;
  result.tokens = std::move(tokens);
  return result;
}

TEST(Plan, EqualRequestsAreOne) {
  Plan plan;
  const ScoreId first = plan.score(planned_example({1, 2, 3}));
  const ScoreId other = plan.score(planned_example({1, 2, 4}));
  EXPECT_NE(first, other);
  EXPECT_EQ(plan.score(planned_example({1, 2, 3})), first);
  EXPECT_EQ(plan.of<ScoreRequest>().size(), 2U);
  // Ids and origin of a text do not matter, its labels do.
  data::Example masked = planned_example({1, 2, 3});
  masked.labels[1] = data::kIgnored;
  EXPECT_NE(plan.score(masked), first);

  const GenerationLimits limits{20, 0, {}};
  const GenerationId generation = plan.generate({5, 6}, limits);
  EXPECT_EQ(plan.generate({5, 6}, limits), generation);
  EXPECT_NE(plan.generate({5, 6}, {21, 0, {}}), generation);
  EXPECT_NE(plan.generate({5, 6}, {20, 0, {"\n"}}), generation);

  const ChoiceId choice = plan.choose({5, 6}, {1, 2});
  EXPECT_EQ(plan.choose({5, 6}, {1, 2}), choice);
  EXPECT_NE(plan.choose({5, 6}, {2, 1}), choice);
  EXPECT_EQ(plan.gradient_norm(planned_example({1, 2})),
            plan.gradient_norm(planned_example({1, 2})));
}

// A text that two metrics want is scored once, with everything that either needs.
TEST(Plan, MomentsAreAddedToAnEarlierRequest) {
  Plan plan;
  const ScoreId id = plan.score(planned_example({1, 2, 3}), false);
  EXPECT_FALSE(plan.of<ScoreRequest>()[id.index].moments);
  EXPECT_EQ(plan.score(planned_example({1, 2, 3}), true), id);
  EXPECT_TRUE(plan.of<ScoreRequest>()[id.index].moments);
  EXPECT_EQ(plan.score(planned_example({1, 2, 3}), false), id);
  EXPECT_TRUE(plan.of<ScoreRequest>()[id.index].moments);
}

// Where one list ends and the next begins is part of the key.
TEST(Plan, KeysDoNotRunTogether) {
  Plan plan;
  EXPECT_NE(plan.choose({1, 2}, {3}), plan.choose({1}, {2, 3}));
  EXPECT_NE(plan.generate({1}, {20, 0, {"ab", "c"}}), plan.generate({1}, {20, 0, {"a", "bc"}}));
}

// An id past the embedding is named before a model reads it, whatever kind of request it is in.
TEST(Plan, TokenIdsOfEveryKindAreChecked) {
  const auto message_of = [](const std::function<void(Plan&)>& ask) {
    Plan plan;
    plan.score(planned_example({1, 2, 99}));
    plan.check_token_ids(100, "");
    ask(plan);
    return refusal([&] { plan.check_token_ids(100, "eval.reference_model"); });
  };
  const std::string expected =
      "eval.reference_model: tokenizer/embedding mismatch: token id 100 of 100";
  EXPECT_EQ(message_of([](Plan& p) { p.score(planned_example({1, 100})); }), expected);
  EXPECT_EQ(message_of([](Plan& p) { p.gradient_norm(planned_example({1, 100})); }), expected);
  EXPECT_EQ(message_of([](Plan& p) { p.divergence(planned_example({1, 100})); }), expected);
  EXPECT_EQ(message_of([](Plan& p) { p.generate({100}, {}); }), expected);
  EXPECT_EQ(message_of([](Plan& p) { p.choose({100}, {1}); }), expected);
  EXPECT_EQ(message_of([](Plan& p) { p.choose({1}, {2, 100}); }), expected);
}

}  // namespace
}  // namespace unlearn::eval
