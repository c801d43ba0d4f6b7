// When a training ends by what is measured on its way, and which state it keeps.
#include "run/stop_rule.h"

#include <gtest/gtest.h>

#include <cmath>

#include "run/stopping.h"
#include "test_folder.h"

namespace unlearn::run {
namespace {

using train::AfterStep;

TEST(StopRule, KeepsTheNearestStateAndStopsAtTheTarget) {
  StopRule rule;
  EXPECT_EQ(rule.look(1, {.distance = {0.5, 2}}), AfterStep::kKeep);
  EXPECT_EQ(rule.look(2, {.distance = {0.5, 2}}), AfterStep::kContinue);
  EXPECT_EQ(rule.look(3, {.distance = {0.5, 1}}), AfterStep::kKeep);
  EXPECT_EQ(rule.look(4, {.distance = {0.6, 0}}), AfterStep::kContinue);
  EXPECT_EQ(rule.best(), 3);
  EXPECT_EQ(rule.ending(), "");
  EXPECT_EQ(rule.look(5, {.distance = {0, 0}, .reached = true}), AfterStep::kKeepAndStop);
  EXPECT_TRUE(rule.reached() && !rule.damaged());
  EXPECT_EQ(rule.best(), 5);
  EXPECT_EQ(rule.ending(), "the target is reached after 5 steps");
}

TEST(StopRule, ADamagedStateIsNeverTheBest) {
  StopRule rule;
  EXPECT_EQ(rule.look(1, {.distance = {0}, .reached = true, .damaged = true}), AfterStep::kStop);
  EXPECT_EQ(rule.best(), 0);
  EXPECT_TRUE(rule.damaged() && !rule.reached());
  EXPECT_EQ(rule.ending(), "the damage limit was passed after 1 step");
}

TEST(StopRule, AStartIsToBeSurpassed) {
  StopRule rule(std::vector<double>{0.3});
  EXPECT_EQ(rule.look(1, {.distance = {0.3}}), AfterStep::kContinue);
  EXPECT_EQ(rule.look(2, {.distance = {0.2}}), AfterStep::kKeep);
}

TEST(MetricLimit, IsReadAndCompared) {
  const auto below = MetricLimit::parse("forget_Q_A_Prob <= 0.5", "x");
  EXPECT_EQ(below.metric, "forget_Q_A_Prob");
  EXPECT_TRUE(below.holds(0.5) && below.holds(0.1) && !below.holds(0.6));
  EXPECT_DOUBLE_EQ(below.excess(0.75), 0.25);
  EXPECT_EQ(below.excess(0.25), 0);
  EXPECT_TRUE(std::isinf(below.excess(std::nan(""))));
  const auto strict = MetricLimit::parse("a<1e-2", "x");
  EXPECT_TRUE(!strict.holds(1e-2) && strict.holds(0));
  const auto above = MetricLimit::parse("a >= -3", "x");
  EXPECT_TRUE(above.holds(-3) && above.holds(0) && !above.holds(-4));
  EXPECT_FALSE(MetricLimit::parse("a > 2", "x").holds(2));
  for (const char* text : {"", "a", "a <=", "<= 3", "a = 3", "a <= b", "a <= nan", "a <= 1 2"}) {
    EXPECT_NE(refusal([&] { MetricLimit::parse(text, "x"); }).find("is no condition"),
              std::string::npos)
        << text;
  }
}

TEST(StopCode, IsFourWhereTheRunDidNotPass) {
  EXPECT_EQ(stop_code(Json::object()), 0);
  EXPECT_EQ(stop_code({{"stop", {{"passed", true}}}}), 0);
  EXPECT_EQ(stop_code({{"stop", {{"passed", false}}}}), 4);
}

}  // namespace
}  // namespace unlearn::run
