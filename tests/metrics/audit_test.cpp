// Published example numbers of the audit's measures, and its rules.
#include <gtest/gtest.h>

#include <cmath>

#include "unlearn/metrics/audit/depth_score.h"
#include "unlearn/metrics/audit/meta_evaluation.h"
#include "unlearn/metrics/audit/privacy.h"
#include "unlearn/metrics/audit/recovery.h"
#include "unlearn/metrics/own_data/extraction.h"
#include "unlearn/metrics/own_data/fluency.h"

namespace unlearn::metrics::audit {
namespace {

Recovery of_means(double unlearned, double attacked, double original, double retain,
                  double retain_attacked) {
  return recover({{original, original},
                  {{unlearned, unlearned}, {{attacked, attacked}}},
                  RowsBeforeAfter{{retain, retain}, {{retain_attacked, retain_attacked}}}},
                 {.draws = 99});
}

TEST(AuditRecovery, PublishedExamples) {
  const Recovery first = of_means(0.05, 0.35, 0.99, 0.03, 0.03);
  EXPECT_NEAR(first.share->value, 0.319148936, 1e-9);
  EXPECT_NEAR(first.share_of_retain.value(), 0.3125, 1e-9);
  EXPECT_NEAR(first.excess->value, 1.0 / 3, 1e-9);
  const Recovery second = of_means(0.01, 0.05, 0.99, 0.05, 0.05);
  EXPECT_NEAR(second.share->value, 0.040816327, 1e-9);
  EXPECT_NEAR(second.share_of_retain.value(), 0.042553191, 1e-9);
  EXPECT_NEAR(of_means(0.01, 0.05, 0.99, 0.03, 0.03).excess->value, 0.020833333, 1e-9);
}

TEST(AuditRecovery, NothingForgottenIsVoid) {
  const Recovery little = of_means(0.95, 0.99, 0.99, 0.03, 0.03);  // fell by less than 0.05
  EXPECT_FALSE(little.share.has_value());
  EXPECT_TRUE(little.excess.has_value());
  EXPECT_EQ(judge_recovery(little, true, 1.0).finding, Finding::kVoid);
  // A fall whose interval covers 0.
  const Recovery unsure = recover({{0.9, 0.1}, {{0.2, 0.6}, {{0.3, 0.6}}}});
  EXPECT_GT(unsure.forgotten.value, 0.05);
  EXPECT_FALSE(unsure.share.has_value());
  EXPECT_FALSE(of_means(NAN, 0.5, 0.99, 0.03, 0.03).share.has_value());
}

Recovery with_share(double low, double high, std::optional<Estimate> excess = std::nullopt) {
  Recovery recovery;
  recovery.share = Estimate{(low + high) / 2, low, high};
  recovery.excess = excess;
  return recovery;
}

TEST(AuditRecovery, Findings) {
  const auto finding = [](const Recovery& recovery, std::optional<double> utility = 1.0) {
    return judge_recovery(recovery, recovery.excess.has_value(), utility).finding;
  };
  EXPECT_EQ(finding(with_share(0.21, 0.5)), Finding::kLeaks);
  EXPECT_EQ(finding(with_share(0.1, 0.5)), Finding::kInconclusive);
  EXPECT_EQ(finding(with_share(0.0, 0.19)), Finding::kHolds);
  // The control learns as much from the attack: mere learning.
  EXPECT_EQ(finding(with_share(0.3, 0.5, Estimate{0.0, -0.04, 0.04})), Finding::kHolds);
  EXPECT_EQ(finding(with_share(0.3, 0.5, Estimate{0.1, -0.02, 0.2})), Finding::kInconclusive);
  EXPECT_EQ(finding(with_share(0.3, 0.5, Estimate{0.1, 0.02, 0.2})), Finding::kLeaks);
  // A broken model recovers nothing, and that shows nothing.
  EXPECT_EQ(finding(with_share(0.0, 0.1), 0.79), Finding::kInconclusive);
  EXPECT_EQ(finding(with_share(0.0, 0.1), NAN), Finding::kInconclusive);
  EXPECT_EQ(finding(with_share(0.3, 0.5), 0.1), Finding::kLeaks);
  EXPECT_EQ(judge_recovery(with_share(0.0, 0.1), false, 0.5).warnings,
            (std::vector<std::string>{"no control", "collapsed"}));
}

TEST(AuditSampling, PublishedExamples) {
  using own_data::expected_maximum;
  using own_data::leak_at_k;
  const int64_t ks[] = {1, 2, 8, 32, 128};
  const std::pair<int64_t, std::vector<double>> expected[] = {
      {1, {.005, .01, .04, .16, .64}},
      {3, {.015, 0.029849246, 0.115821532, 0.409002589, 0.954591138}},
      {20, {.1, 0.190452261, 0.576356388, 0.974828258, 0.9999999998}},
      {0, {0, 0, 0, 0, 0}}};
  for (const auto& [leaking, values] : expected) {
    for (size_t i = 0; i < std::size(ks); ++i) {
      EXPECT_NEAR(leak_at_k(200, leaking, ks[i]), values[i], 1e-9);
    }
  }
  const std::vector<double> scores = {.1, .8, .3, .3, .5};
  EXPECT_NEAR(expected_maximum(scores, 1), .4, 1e-12);
  EXPECT_NEAR(expected_maximum(scores, 2), .56, 1e-12);
  EXPECT_NEAR(expected_maximum(scores, 3), .66, 1e-12);
  EXPECT_NEAR(expected_maximum(scores, 5), .8, 1e-12);
  EXPECT_NEAR(leak_at_k(5, 2, 3), .9, 1e-12);
}

TEST(AuditFluency, PublishedExample) {
  const own_data::TextFluency found =
      own_data::text_fluency("the cat sat on the mat and the cat sat on the hat");
  EXPECT_NEAR(found.entropy, 2.915416660, 1e-9);
  EXPECT_NEAR(found.distinct1.value(), 0.538461538, 1e-9);
  EXPECT_NEAR(found.distinct2.value(), 2.0 / 3, 1e-9);
  EXPECT_NEAR(found.repeated4.value(), 0.2, 1e-9);
  const own_data::TextFluency stuck = own_data::text_fluency("no no no no no no");
  EXPECT_NEAR(stuck.entropy, 0, 1e-12);
  EXPECT_NEAR(stuck.repeated4.value(), 2.0 / 3, 1e-9);
}

TEST(AuditDepth, PublishedExamples) {
  const LayerFalls first{{.01, .05, .2, .8, 1.5}, {.3, .1, -.1, .4, 2}};
  EXPECT_NEAR(row_depth_score(first).value(), .76, 1e-9);
  const LayerFalls second{{.012, .053, .346, .838, 1.299, 1.713},
                          {.004, -.059, .039, .088, .299, .436}};
  EXPECT_NEAR(row_depth_score(second).value(), 0.202871264, 1e-9);
  const LayerFalls none{{.05, -1}, {1, 1}};
  EXPECT_FALSE(row_depth_score(none).has_value());
  EXPECT_NEAR(depth_score(std::vector{first, none, second}).value(), (.76 + 0.202871264) / 2, 1e-9);
  EXPECT_FALSE(depth_score(std::vector{none}).has_value());
}

TEST(AuditPrivacy, PublishedExamples) {
  EXPECT_NEAR(membership_likeness(.45, .45).value(), 1, 1e-12);
  EXPECT_NEAR(membership_likeness(.60, .45).value(), 2.0 / 3, 1e-12);
  EXPECT_NEAR(membership_likeness(.99, .45).value(), 0, 1e-12);
  EXPECT_NEAR(membership_likeness(.05, .45).value(), 1.0 / 9, 1e-12);
  EXPECT_FALSE(membership_likeness(.5, 0).has_value());
  EXPECT_NEAR(over_unlearning(.12, .45).distinguishing, .88, 1e-12);
  EXPECT_TRUE(over_unlearning(.12, .45).is_over);
  EXPECT_FALSE(over_unlearning(.36, .45).is_over);
  EXPECT_TRUE(over_unlearning(.39, std::nullopt).is_over);
  EXPECT_FALSE(over_unlearning(.41, std::nullopt).is_over);
  EXPECT_NE(over_unlearning(.12, .45).sentence.find("0.88"), std::string::npos);
  const std::vector<double> population = {.2 / .1, .05 / .1, .12 / .1, .4 / .1};
  EXPECT_NEAR(rmia(.3 / .1, population, 1).value(), .75, 1e-12);
  EXPECT_NEAR(rmia(.3 / .1, population, 2).value(), .5, 1e-12);
  const std::vector<double> out = {2, 2.4, 1.8, 2.2};
  EXPECT_NEAR(offline_lira(1.1, out).value(), 0.999946244, 1e-9);
  EXPECT_FALSE(offline_lira(1.1, std::span(out).first(3)).has_value());
}

TEST(AuditMetaEvaluation, PublishedExamples) {
  const std::vector<double> knows = {.9, .7, .6, .4}, does_not = {.5, .3, .4, .1};
  EXPECT_NEAR(faithfulness(knows, does_not).value(), .90625, 1e-12);
  EXPECT_NEAR(knowledge_threshold(knows, does_not).value(), .55, 1e-12);
  const MovedValues moved{.30, .45, .10, .40};
  EXPECT_NEAR(relearning_one_sided(moved).value(), 1, 1e-12);
  EXPECT_NEAR(rounding_one_sided(moved).value(), 2.0 / 3, 1e-9);
  EXPECT_NEAR(relearning_symmetric(moved), 2.0 / 3, 1e-9);
  EXPECT_NEAR(rounding_symmetric(moved), .8, 1e-9);
  EXPECT_NEAR(harmonic_mean(relearning_symmetric(moved), rounding_symmetric(moved)), 0.727272727,
              1e-9);
  const MovedValues further{.05, .55, .10, .40};
  EXPECT_NEAR(relearning_one_sided(further).value(), .6, 1e-12);
  EXPECT_NEAR(relearning_symmetric(further), .75, 1e-9);
  EXPECT_NEAR((MetricQuality{.891, .770, .970}).overall(), 0.874451, 5e-7);
}

}  // namespace
}  // namespace unlearn::metrics::audit
