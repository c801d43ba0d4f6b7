// The audit's arithmetic against SciPy, scikit-learn and NumPy (scripts/goldens/audit.py).
#include <gtest/gtest.h>

#include "golden.h"
#include "unlearn/metrics/audit/depth_score.h"
#include "unlearn/metrics/audit/meta_evaluation.h"
#include "unlearn/metrics/audit/privacy.h"
#include "unlearn/metrics/audit/recovery.h"

namespace unlearn::metrics::audit {
namespace {

using Values = std::vector<double>;

// Both sides draw: the ends of two intervals of the same distribution differ by chance.
void expect_estimate(const Estimate& found, const Json& expected) {
  EXPECT_NEAR(found.value, expected[0].get<double>(), 1e-12);
  const double width = expected[2].get<double>() - expected[1].get<double>();
  EXPECT_NEAR(found.low, expected[1].get<double>(), 0.03 * width);
  EXPECT_NEAR(found.high, expected[2].get<double>(), 0.03 * width);
}

void expect_estimate(const std::optional<Estimate>& found, const Json& expected) {
  ASSERT_EQ(found.has_value(), !expected.is_null());
  if (found) expect_estimate(*found, expected);
}

TEST(GoldenAudit, RecoveredShares) {
  const Json golden_cases = golden("audit")["recovery"];
  for (const Json& each : golden_cases) {
    const auto rows = each["rows"].get<std::vector<Values>>();
    AttackRows attack{rows[0], {rows[1], {rows[2]}}, RowsBeforeAfter{rows[3], {rows[4]}}};
    const Recovery found = recover(attack);
    expect_estimate(found.forgotten, each["forgotten"]);
    expect_estimate(found.share, each["share"]);
    expect_estimate(found.excess, each["excess"]);
    ASSERT_EQ(found.share_of_retain.has_value(), !each["share_of_retain"].is_null());
    if (found.share_of_retain) {
      EXPECT_NEAR(*found.share_of_retain, each["share_of_retain"].get<double>(), 1e-12);
    }
    attack.retain.reset();
    EXPECT_FALSE(recover(attack).excess.has_value());
    expect_estimate(recover(attack).share, each["share"]);
  }
}

TEST(GoldenAudit, SeedsAreDrawnBesideRows) {
  const Json each = golden("audit")["seeds"];
  const AttackRows attack{
      each["original"].get<Values>(),
      {each["unlearned"].get<Values>(), each["attacked"].get<std::vector<Values>>()}};
  expect_estimate(recover(attack).share, each["share"]);
}

TEST(GoldenAudit, FaithfulnessAndThreshold) {
  const Json golden_cases = golden("audit")["separation"];
  for (const Json& each : golden_cases) {
    const auto knows = each["knows"].get<Values>(), does_not = each["does_not"].get<Values>();
    EXPECT_NEAR(faithfulness(knows, does_not).value(), each["auc"].get<double>(), 1e-12);
    EXPECT_NEAR(knowledge_threshold(knows, does_not).value(), each["threshold"].get<double>(),
                1e-12);
  }
}

TEST(GoldenAudit, RobustnessOfMetrics) {
  const Json golden_cases = golden("audit")["moves"];
  for (const Json& each : golden_cases) {
    const auto v = each["values"].get<Values>();
    const MovedValues moved{v[0], v[1], v[2], v[3]};
    EXPECT_NEAR(relearning_one_sided(moved).value(), each["one_sided"][0].get<double>(), 1e-12);
    EXPECT_NEAR(rounding_one_sided(moved).value(), each["one_sided"][1].get<double>(), 1e-12);
    EXPECT_NEAR(relearning_symmetric(moved), each["symmetric"][0].get<double>(), 1e-12);
    EXPECT_NEAR(rounding_symmetric(moved), each["symmetric"][1].get<double>(), 1e-12);
  }
}

TEST(GoldenAudit, DepthAndMembership) {
  const Json all = golden("audit");
  for (const Json& each : all["depth"]) {
    const auto score =
        row_depth_score({each["retain"].get<Values>(), each["unlearned"].get<Values>()});
    EXPECT_NEAR(score.value(), each["score"].get<double>(), 1e-12);
  }
  for (const Json& each : all["membership"]) {
    EXPECT_NEAR(rmia(each["ratio"], each["population"].get<Values>(), each["gamma"]).value(),
                each["rmia"].get<double>(), 1e-12);
    EXPECT_NEAR(offline_lira(each["loss"], each["out"].get<Values>()).value(),
                each["lira"].get<double>(), 1e-12);
  }
}

}  // namespace
}  // namespace unlearn::metrics::audit
