#include "unlearn/eval/plan.h"

#include <gtest/gtest.h>

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
  const ResultId first = plan.score(planned_example({1, 2, 3}));
  const ResultId other = plan.score(planned_example({1, 2, 4}));
  EXPECT_NE(first, other);
  EXPECT_EQ(plan.score(planned_example({1, 2, 3})), first);
  EXPECT_EQ(plan.scores().size(), 2U);
  // Ids and origin of a text do not matter, its labels do.
  data::Example masked = planned_example({1, 2, 3});
  masked.labels[1] = data::kIgnored;
  EXPECT_NE(plan.score(masked), first);

  const GenerationLimits limits{20, 0, {}};
  const ResultId generation = plan.generate({5, 6}, limits);
  EXPECT_EQ(plan.generate({5, 6}, limits), generation);
  EXPECT_NE(plan.generate({5, 6}, {21, 0, {}}), generation);
  EXPECT_NE(plan.generate({5, 6}, {20, 0, {"\n"}}), generation);

  const ResultId choice = plan.choose({5, 6}, {1, 2});
  EXPECT_EQ(plan.choose({5, 6}, {1, 2}), choice);
  EXPECT_NE(plan.choose({5, 6}, {2, 1}), choice);
  EXPECT_EQ(plan.gradient_norm(planned_example({1, 2})),
            plan.gradient_norm(planned_example({1, 2})));
}

// A text that two metrics want is scored once, with everything that either needs.
TEST(Plan, MomentsAreAddedToAnEarlierRequest) {
  Plan plan;
  const ResultId id = plan.score(planned_example({1, 2, 3}), false);
  EXPECT_FALSE(plan.scores()[id].moments);
  EXPECT_EQ(plan.score(planned_example({1, 2, 3}), true), id);
  EXPECT_TRUE(plan.scores()[id].moments);
  EXPECT_EQ(plan.score(planned_example({1, 2, 3}), false), id);
  EXPECT_TRUE(plan.scores()[id].moments);
}

// Where one list ends and the next begins is part of the key.
TEST(Plan, KeysDoNotRunTogether) {
  Plan plan;
  EXPECT_NE(plan.choose({1, 2}, {3}), plan.choose({1}, {2, 3}));
  EXPECT_NE(plan.generate({1}, {20, 0, {"ab", "c"}}), plan.generate({1}, {20, 0, {"a", "bc"}}));
}

}  // namespace
}  // namespace unlearn::eval
