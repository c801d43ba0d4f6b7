#include <gtest/gtest.h>

#include "metrics/golden.h"
#include "unlearn/core/error.h"
#include "unlearn/metrics/own_data/damage.h"
#include "unlearn/metrics/own_data/extraction.h"
#include "unlearn/metrics/own_data/fluency.h"
#include "unlearn/metrics/own_data/membership.h"
#include "unlearn/metrics/own_data/preference.h"

namespace unlearn::metrics::own_data {
namespace {

// By value: a loop over a part of a temporary would see nothing.
Json cases_of(const std::string& measure) {
  Json cases = golden("own_data").at(measure);
  EXPECT_FALSE(cases.empty());
  return cases;
}

// Both ends of an interval come from other draws than the golden ones.
void expect_interval(double low, double high, const Json& golden, double tolerance) {
  EXPECT_NEAR(low, golden[0].get<double>(), tolerance);
  EXPECT_NEAR(high, golden[1].get<double>(), tolerance);
}

TEST(GoldenOwnData, PreferenceIsScikitLearnsAucAndSciPysRank) {
  for (const Json& golden_case : cases_of("preference")) {
    std::vector<AnswerScores> rows;
    for (const Json& row : golden_case["scores"]) {
      rows.push_back({row[0].get<double>(), row[1].get<std::vector<double>>()});
    }
    const auto found = preference(rows);
    ASSERT_TRUE(found.has_value());
    EXPECT_NEAR(found->auc, golden_case["auc"].get<double>(), 1e-12);
    for (size_t i = 0; i < rows.size(); ++i) {
      EXPECT_NEAR(found->rows[i]->auc, golden_case["aucs"][i].get<double>(), 1e-12);
      EXPECT_DOUBLE_EQ(found->rows[i]->rank, golden_case["ranks"][i].get<double>());
    }
    const auto finer = preference(rows, {.resamples = 20000});
    // The ends jump by one outcome where few rows have few alternatives.
    const double step = 1.0 / static_cast<double>(rows.size() * rows[0].others.size());
    expect_interval(finer->low, finer->high, golden_case["interval"], 0.01 + step / 2);
  }
}

TEST(GoldenOwnData, MembershipIsScikitLearnsAuc) {
  for (const Json& golden_case : cases_of("membership")) {
    const auto found = membership({golden_case["forget"].get<std::vector<double>>(),
                                   golden_case["holdout"].get<std::vector<double>>()});
    ASSERT_TRUE(found.has_value());
    EXPECT_NEAR(found->auc, golden_case["auc"].get<double>(), 1e-12);
    expect_interval(found->low, found->high, golden_case["interval"], 0.03);
  }
}

TEST(GoldenOwnData, LeakAtKCountsSubsets) {
  const Json cases = cases_of("leaks");
  for (const Json& each : cases["counts"]) {
    EXPECT_NEAR(leak_at_k(each[0].get<int64_t>(), each[1].get<int64_t>(), each[2].get<int64_t>()),
                each[3].get<double>(), 1e-12)
        << each;
  }
  for (const Json& each : cases["maxima"]) {
    EXPECT_NEAR(expected_maximum(each[0].get<std::vector<double>>(), each[1].get<int64_t>()),
                each[2].get<double>(), 1e-12)
        << each;
  }
  // The audit's own table: n = 200.
  EXPECT_NEAR(leak_at_k(200, 3, 8), 0.115821532, 1e-9);
  EXPECT_NEAR(leak_at_k(200, 20, 32), 0.974828258, 1e-9);
  EXPECT_THROW(leak_at_k(5, 1, 6), UserError);
  EXPECT_THROW(leak_at_k(5, 1, 0), UserError);
  EXPECT_THROW(expected_maximum(std::vector{0.5}, 2), UserError);
}

TEST(GoldenOwnData, NeighboursAreNearestByTfIdf) {
  const Json each = cases_of("neighbours");
  const auto rows = [](const Json& list) {
    std::vector<RowText> texts;
    for (const Json& row : list) {
      texts.push_back({row[0].get<std::string>(), row[1].get<std::string>()});
    }
    return texts;
  };
  const auto found = neighbours(rows(each["forget"]), rows(each["retain"]), 3);
  ASSERT_EQ(found.size(), each["neighbours"].size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].row, each["neighbours"][i][0].get<int64_t>());
    EXPECT_NEAR(found[i].similarity, each["neighbours"][i][1].get<double>(), 1e-9);
  }
}

void expect_optional(const std::optional<double>& value, const Json& golden_value) {
  ASSERT_EQ(value.has_value(), !golden_value.is_null());
  if (value) {
    EXPECT_NEAR(*value, golden_value.get<double>(), 1e-12);
  }
}

TEST(GoldenOwnData, FluencyCountsNGrams) {
  for (const Json& each : cases_of("fluency")) {
    const TextFluency found = text_fluency(each["text"].get<std::string>());
    expect_optional(found.distinct1, each["distinct1"]);
    expect_optional(found.distinct2, each["distinct2"]);
    expect_optional(found.repeated4, each["repeated4"]);
    EXPECT_NEAR(found.entropy, each["entropy"].get<double>(), 1e-9);
  }
}

TEST(GoldenOwnData, FallOfRowsWithItsInterval) {
  for (const Json& each : cases_of("damage")) {
    const auto found = damage(
        {each["before"].get<std::vector<double>>(), each["after"].get<std::vector<double>>()});
    ASSERT_TRUE(found.has_value());
    EXPECT_NEAR(found->fall, each["fall"].get<double>(), 1e-12);
    EXPECT_NEAR(found->lost(), each["lost"].get<double>(), 1e-12);
    expect_interval(found->fall_low, found->fall_high, each["interval"], 0.02);
  }
}

TEST(GoldenOwnData, RecallOfWhatWasNotGiven) {
  for (const Json& each : cases_of("recall")) {
    const RowText row{"", each[0].get<std::string>()};
    const auto found =
        extraction(row, {}, "", each[1].get<std::string>(), each[2].get<std::string>());
    EXPECT_NEAR(found.rouge_l_recall, each[3].get<double>(), 1e-12) << each;
  }
}

}  // namespace
}  // namespace unlearn::metrics::own_data
