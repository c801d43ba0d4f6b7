#include "unlearn/metrics/ks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "metrics/golden.h"
#include "unlearn/core/error.h"

namespace unlearn::metrics {
namespace {

void expect_relative(double actual, double expected, double tolerance, const Json& where) {
  EXPECT_LE(std::abs(actual - expected), tolerance * std::abs(expected))
      << where.dump() << ": " << actual << " for " << expected;
}

TEST(Ks, PublishedValues) {
  struct Row {
    int64_t n1, n2;
    double statistic, exact, asymptotic;
  };
  const std::vector<Row> rows = {
      {300, 200, 0.065, 0.674215557590726, 0.666598688773568},
      {300, 40, 0.0966666666666667, 0.867321125878972, 0.868076041635141},
      {200, 40, 0.095, 0.90736998120839, 0.899695707070857},
      {300, 300, 1.0 / 3, 3.70965280973933e-15, 2.32916317488701e-15},
      {400, 400, 0.2, 2.06107074551515e-07, 1.73178746173083e-07},
      {200, 200, 0.1, 0.270474383280392, 0.252692757006387},
      {40, 40, 0.5, 6.5768913245274e-05, 3.78759524053903e-05},
      {200, 200, 1, 1.94264344952224e-119, 0},
      {400, 400, 1, 1.06358967695186e-239, 0},
      {300, 300, 1, 1.48029787919968e-179, 0},
  };
  for (const Row& row : rows) {
    const Json where = {row.n1, row.n2, row.statistic};
    expect_relative(ks_exact_p_value(row.n1, row.n2, row.statistic), row.exact, 1e-12, where);
    expect_relative(ks_exact_p_value(row.n2, row.n1, row.statistic), row.exact, 1e-12, where);
    expect_relative(ks_asymptotic_p_value(row.n1, row.n2, row.statistic), row.asymptotic, 1e-11,
                    where);
  }
}

TEST(Ks, SameSampleIsCertain) {
  const std::vector<double> sample = {3, 1, 2, 2};
  const KsResult result = ks_two_sample(sample, sample);
  EXPECT_EQ(result.statistic, 0);
  EXPECT_EQ(result.p_value, 1);
}

TEST(Ks, InfinitiesAreOrdinaryAndNanIsRefused) {
  const std::vector<double> low = {1, 2};
  const std::vector<double> high = {HUGE_VAL, HUGE_VAL};
  EXPECT_EQ(ks_two_sample(low, high).statistic, 1);
  EXPECT_NEAR(ks_two_sample(low, high).p_value, 1.0 / 3, 1e-15);
  const std::vector<double> bad = {1, std::nan("")};
  EXPECT_THROW(ks_two_sample(low, bad), InternalError);
  EXPECT_THROW(ks_two_sample(low, {}), InternalError);
}

TEST(GoldenKs, SamplesAgreeWithScipy) {
  const Json cases = golden("two_samples");
  ASSERT_GE(cases.size(), 1000U);
  for (const Json& row : cases) {
    const auto first = row[0].get<std::vector<double>>();
    const auto second = row[1].get<std::vector<double>>();
    const KsResult exact = ks_two_sample(first, second);
    EXPECT_NEAR(exact.statistic, row[2].get<double>(), 1e-15) << row.dump();
    expect_relative(exact.p_value, row[3].get<double>(), 1e-12, row);
    const double asymptotic = ks_two_sample(first, second, KsMethod::kAsymptotic).p_value;
    if (row[4].is_null()) {
      EXPECT_TRUE(std::isnan(asymptotic)) << row.dump();
    } else {
      expect_relative(asymptotic, row[4].get<double>(), 1e-9, row);
    }
  }
}

TEST(GoldenKs, ExactAgreesWithCountedPaths) {
  const Json rows = golden("ks_p_values").at("counted");
  ASSERT_GE(rows.size(), 100U);
  for (const Json& row : rows) {
    expect_relative(ks_exact_p_value(row[0], row[1], row[2]), row[3].get<double>(), 1e-12, row);
  }
}

TEST(GoldenKs, LargeSamplesAgreeWithScipy) {
  const Json rows = golden("ks_p_values").at("scipy");
  ASSERT_GE(rows.size(), 30U);
  for (const Json& row : rows) {
    expect_relative(ks_exact_p_value(row[0], row[1], row[2]), row[3].get<double>(), 1e-10, row);
  }
}

TEST(GoldenKs, AsymptoticAgreesWithScipy) {
  const Json rows = golden("ks_p_values").at("asymptotic");
  ASSERT_GE(rows.size(), 990U);
  for (const Json& row : rows) {
    const double p = ks_asymptotic_p_value(row[0], row[1], row[2]);
    EXPECT_NEAR(p, row[3].get<double>(), 5e-6) << row.dump();
    expect_relative(p, row[4].get<double>(), 1e-8, row);
  }
}

}  // namespace
}  // namespace unlearn::metrics
