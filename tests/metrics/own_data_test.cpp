#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "unlearn/metrics/own_data/damage.h"
#include "unlearn/metrics/own_data/fluency.h"
#include "unlearn/metrics/own_data/membership.h"
#include "unlearn/metrics/own_data/preference.h"
#include "unlearn/metrics/own_data/prompts.h"

namespace unlearn::metrics::own_data {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Preference, NoAnswerOrNoNumberIsNoPreference) {
  EXPECT_FALSE(row_preference({-1, {}}));
  EXPECT_FALSE(row_preference({kNan, {-1}}));
  EXPECT_FALSE(row_preference({-1, {-2, kNan}}));
  EXPECT_FALSE(preference({}));
  const std::vector<AnswerScores> rows = {{-1, {-2, -3}}, {-1, {}}};
  const auto found = preference(rows);
  ASSERT_TRUE(found);
  EXPECT_DOUBLE_EQ(found->auc, 1);  // of the row that has one
  EXPECT_FALSE(found->rows[1]);
}

TEST(Preference, ForgetRowsStandAgainstEachOther) {
  std::vector<std::string> answers;
  for (int i = 0; i < 9; ++i) answers.push_back("answer " + std::to_string(i));
  const std::vector<std::string> retain = {"kept"};
  const auto chosen = choose_alternatives(answers, retain);
  ASSERT_EQ(chosen.size(), 9u);
  ASSERT_EQ(chosen[3].size(), 8u);
  for (const Alternative& other : chosen[3]) {
    EXPECT_FALSE(other.of_retain);
    EXPECT_NE(other.row, 3);
  }
}

TEST(Preference, FewRowsAreJoinedByRetainAnswersOfLikeLength) {
  const std::vector<std::string> forget = {"12345"};
  const std::vector<std::string> retain = {
      "a longer answer than that", "1234", "123456", "12345.", "ünüñö", "1234"};
  const auto chosen = choose_alternatives(forget, retain, {.wanted = 3});
  // "12345." reads like the row's own; "ünüñö" has five characters; the second "1234" is the first.
  EXPECT_EQ(chosen[0], (std::vector<Alternative>{{true, 1}, {true, 2}, {true, 4}}));
}

TEST(Preference, AnswersThatReadAlikeCountOnce) {
  std::vector<std::string> answers(10, "Yes.");
  answers[4] = "no";
  answers[7] = "No!";
  const auto chosen = choose_alternatives(answers, {}, {});
  EXPECT_EQ(chosen[0], (std::vector<Alternative>{{false, 4}}));
  EXPECT_EQ(chosen[7], (std::vector<Alternative>{{false, 0}}));
}

TEST(Preference, ManyRowsAreDrawnFromBySeed) {
  std::vector<std::string> answers;
  for (int i = 0; i < 200; ++i) answers.push_back("answer " + std::to_string(i));
  const auto first = choose_alternatives(answers, {}, {.most = 10, .seed = 1});
  EXPECT_EQ(first[0].size(), 10u);
  EXPECT_EQ(first, choose_alternatives(answers, {}, {.most = 10, .seed = 1}));
  EXPECT_NE(first, choose_alternatives(answers, {}, {.most = 10, .seed = 2}));
  EXPECT_NE(first[0], first[1]);
}

TEST(Preference, AvoidedAnswersAreConspicuous) {
  std::vector<AnswerScores> rows(4, {-9, {-1, -2, -3, -4}});
  EXPECT_TRUE(preference(rows)->avoided);
  for (AnswerScores& row : rows) row.own = -2.5;
  EXPECT_FALSE(preference(rows)->avoided);
}

TEST(Damage, WhatIsNoNumberIsNeverHarmless) {
  EXPECT_FALSE(damage({}));
  const auto broken = damage({{-1, -1}, {-1, kNan}});
  EXPECT_TRUE(std::isinf(broken->fall));
  EXPECT_DOUBLE_EQ(broken->lost(), 1);
  EXPECT_TRUE(std::isinf(damage({{-1}, {-std::numeric_limits<double>::infinity()}})->fall));
  EXPECT_LT(damage({{-1}, {-0.5}})->fall, 0);
}

TEST(Neighbours, NoneWithoutACommonWord) {
  const std::vector<RowText> forget = {{"Where does Åsa live?", "ÅRHUS"}};
  const std::vector<RowText> retain = {{"quite", "different"}, {"", "in Århus"}};
  const auto found = neighbours(forget, retain);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].row, 1);
}

std::optional<Membership> between(double low, double auc, double high) {
  return Membership{auc, low, high};
}

TEST(Membership, OverUnlearningNeedsNonMembers) {
  const auto known = between(0.8, 0.9, 1), alike = between(0.4, 0.55, 0.7);
  const auto below = between(0.0, 0.1, 0.2);
  EXPECT_EQ(read_membership(known, below), Membering::kOverUnlearned);
  // Held-out rows as well known as the forget rows: both were trained on.
  EXPECT_EQ(read_membership(alike, below), Membering::kNoNonMembers);
  EXPECT_EQ(read_membership(known, known), Membering::kStillKnown);
  EXPECT_EQ(read_membership(known, alike), Membering::kIndistinct);
  EXPECT_EQ(read_membership(known, between(0.1, 0.35, 0.6)), Membering::kUnknown);
  EXPECT_EQ(read_membership(std::nullopt, below), Membering::kUnknown);
  EXPECT_FALSE(membership({{}, {1.0}}));
  EXPECT_FALSE(membership({{kNan}, {1.0}}));
}

TEST(Fluency, RuinedOutputsAreCounted) {
  const std::vector<std::string> ruined = {"", " . ", "the the the the the the the the the",
                                           "She lives by the harbour."};
  const Fluency found = fluency(ruined);
  EXPECT_EQ(found.empty, 2);
  EXPECT_EQ(found.broken, 3);
  EXPECT_TRUE(found.ruined());
  const std::vector<std::string> refusing(5, "I don't know that.");
  EXPECT_EQ(fluency(refusing).refusals, 5);
  EXPECT_EQ(fluency(refusing).alike, 5);
  EXPECT_TRUE(fluency(refusing).ruined());
  const std::vector<std::string> good = {"One thing.", "Another one.", "A third.", "I cannot say.",
                                         "yes yes yes"};
  EXPECT_EQ(fluency(good).refusals, 1);
  EXPECT_FALSE(fluency(good).ruined());
  EXPECT_FALSE(fluency({}).ruined());
}

std::vector<std::string> asked(const std::string& question) {
  std::vector<std::string> texts;
  for (const Paraphrase& each : paraphrases(question))
    texts.push_back(each.rule + ": " + each.question);
  return texts;
}

TEST(Prompts, ParaphrasesByRule) {
  EXPECT_EQ(asked("In which city does Mara Voss, born 3.5.1984, live?"),
            (std::vector<std::string>{
                "lower_case: in which city does mara voss, born 3.5.1984, live?",
                "no_punctuation: In which city does Mara Voss born 3.5.1984 live",
                "polite: Could you please help me with this: in which city does Mara Voss, born "
                "3.5.1984, live?",
                "polite_after: In which city does Mara Voss, born 3.5.1984, live? Thank you very "
                "much."}));
  EXPECT_EQ(asked("As of 2020, where does Mara live?").back(),
            "clauses: Where does Mara live, as of 2020?");
  EXPECT_EQ(asked("Mara is a customer. What is her number?").back(),
            "clauses: What is her number? Mara is a customer.");
  EXPECT_TRUE(asked("Who knows Dr. Voss?").back().starts_with("polite_after"));  // one sentence
  EXPECT_EQ(asked("ÉTÉ").front(), "lower_case: été");
  EXPECT_TRUE(asked("  ").empty());
}

TEST(Prompts, TheAnswersFirstWords) {
  const std::vector<int64_t> counts = {1, 3, 5};
  const auto starts = answer_starts("Her number  is 42.", counts);
  ASSERT_EQ(starts.size(), 2u);
  EXPECT_EQ(starts[0].given, "Her");
  EXPECT_EQ(starts[1].given, "Her number  is");
  EXPECT_EQ(starts[1].rest, "42.");
  EXPECT_TRUE(answer_starts("42", counts).empty());
}

}  // namespace
}  // namespace unlearn::metrics::own_data
