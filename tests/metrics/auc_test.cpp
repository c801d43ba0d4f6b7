#include "unlearn/metrics/auc.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "metrics/golden.h"
#include "unlearn/metrics/bootstrap.h"

namespace unlearn::metrics {
namespace {

const std::vector<double> kForget = {2.1, 1.9, 2.5, 3.0, 1.2};
const std::vector<double> kHoldout = {2.2, 2.8, 1.0, 3.1, 2.6};

TEST(Auc, ConventionsMirrorEachOther) {
  EXPECT_DOUBLE_EQ(auc_open_unlearning(kForget, kHoldout).value(), 0.64);
  EXPECT_DOUBLE_EQ(auc_muse(kForget, kHoldout).value(), 0.36);
  EXPECT_DOUBLE_EQ(auc_muse(kHoldout, kForget).value(), 0.64);
}

TEST(Auc, NothingToCompareIsNull) {
  EXPECT_FALSE(auc(kForget, {}).has_value());
  EXPECT_FALSE(auc(std::vector<double>{std::nan("")}, kHoldout).has_value());
}

TEST(GoldenAuc, AgreesWithScikitLearn) {
  const Json cases = golden("two_samples");
  ASSERT_GE(cases.size(), 1000U);
  for (const Json& row : cases) {
    const auto first = row[0].get<std::vector<double>>();
    const auto second = row[1].get<std::vector<double>>();
    EXPECT_NEAR(auc(first, second).value(), row[5].get<double>(), 1e-14) << row.dump();
  }
}

TEST(Bootstrap, IntervalHasTheNormalWidthAndRepeats) {
  std::vector<double> values;
  for (int i = 0; i < 400; ++i) values.push_back(i % 20);
  const MeanInterval interval = bootstrap_mean(values).value();
  EXPECT_DOUBLE_EQ(interval.mean, 9.5);
  // The values have variance 33.25, so the mean's standard error is sqrt(33.25 / 400).
  const double half = 1.959964 * std::sqrt(33.25 / 400);
  EXPECT_NEAR(interval.low, 9.5 - half, 0.03);
  EXPECT_NEAR(interval.high, 9.5 + half, 0.03);
  EXPECT_EQ(bootstrap_mean(values)->low, interval.low);
  EXPECT_NE(bootstrap_mean(values, {.seed = 1})->low, interval.low);
  EXPECT_FALSE(bootstrap_mean({}).has_value());
}

TEST(Bootstrap, QuantilesInterpolate) {
  // One value has one mean; two values give 0, 1/2, 1 with chances 1/4, 1/2, 1/4.
  EXPECT_EQ(bootstrap_mean(std::vector<double>{3.0})->high, 3.0);
  const MeanInterval interval =
      bootstrap_mean(std::vector<double>{0.0, 1.0}, {.confidence = 0.3}).value();
  EXPECT_EQ(interval.low, 0.5);
  EXPECT_EQ(interval.high, 0.5);
}

}  // namespace
}  // namespace unlearn::metrics
