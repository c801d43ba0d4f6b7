// TOFU aggregates against NumPy and SciPy on made-up logs in both forms, and their round trips.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "benchmarks/tofu/summary.h"
#include "metrics/golden.h"
#include "unlearn/core/files.h"

namespace unlearn::benchmarks::tofu {
namespace {

using metrics::Evaluation;
using metrics::golden;
using metrics::summary_json;
using metrics::write_eval_files;

void expect_close(double actual, double expected, const std::string& name) {
  EXPECT_NEAR(actual, expected, 1e-12 * std::max(1.0, std::abs(expected))) << name;
}

void expect_summary(const TofuSummary& summary, const Json& expected) {
  for (const auto& [name, value] : expected.items()) {
    ASSERT_TRUE(summary.values.contains(name)) << name;
    ASSERT_TRUE(summary.values.at(name).has_value()) << name;
    expect_close(*summary.values.at(name), value.get<double>(), name);
  }
  EXPECT_EQ(summary.values.size(), expected.size());
  EXPECT_TRUE(summary.warnings.empty());
}

TEST(GoldenTofu, LegacyAggregatesAgreeWithNumpy) {
  const Json data = golden("tofu");
  const TofuLog log = parse_tofu_log(data.at("log"), "log");
  const TofuLog retain = parse_tofu_log(data.at("retain"), "retain");
  const NamedValues values = legacy_aggregates(log, &retain);
  ASSERT_EQ(values.size(), data.at("legacy").size());
  for (const auto& [name, value] : values) {
    expect_close(value.value(), data.at("legacy").at(name).get<double>(), name);
  }
}

TEST(GoldenTofu, OpenUnlearningSummaryAgreesWithNumpy) {
  const Json data = golden("tofu");
  const TofuLog log = parse_tofu_log(data.at("eval"), "eval");
  const TofuLog retain = parse_tofu_log(data.at("eval_retain"), "eval_retain");
  expect_summary(tofu_summary_from_log(log, &retain), data.at("summary"));
}

TEST(GoldenTofu, AnyMixOfTheTwoFormsGivesTheSameForgetQuality) {
  const Json data = golden("tofu");
  for (const char* log_key : {"log", "eval"}) {
    for (const char* retain_key : {"retain", "eval_retain"}) {
      const TofuLog log = parse_tofu_log(data.at(log_key), log_key);
      const TofuLog retain = parse_tofu_log(data.at(retain_key), retain_key);
      const auto legacy =
          tofu_summary_from_log(log, &retain, {.formula = Formula::kLegacy, .false_answers = {}});
      const auto guarded = tofu_summary_from_log(
          log, &retain, {.formula = Formula::kOpenUnlearning, .false_answers = {}});
      expect_close(legacy.values.at("forget_quality").value(),
                   data.at("legacy").at("Forget Quality").get<double>(), "forget_quality");
      expect_close(legacy.values.at("model_utility").value(),
                   data.at("legacy").at("Model Utility").get<double>(), "model_utility");
      expect_close(guarded.values.at("model_utility").value(),
                   data.at("summary").at("model_utility").get<double>(), "model_utility");
      expect_close(guarded.values.at("forget_truth_ratio").value(),
                   data.at("summary").at("forget_truth_ratio").get<double>(), "truth ratio");
    }
  }
}

TEST(GoldenTofu, StoredRatiosAreEnoughForForgetQuality) {
  const Json data = golden("tofu");
  Json only_ratios = {{"forget_truth_ratio", data.at("eval_retain").at("forget_truth_ratio")}};
  const TofuLog retain = parse_tofu_log(only_ratios, "ratios");
  for (const char* key : {"log", "eval"}) {
    const TofuLog log = parse_tofu_log(data.at(key), key);
    const TofuSummary summary = tofu_summary_from_log(log, &retain);
    expect_close(summary.values.at("forget_quality").value(),
                 data.at("legacy").at("Forget Quality").get<double>(), key);
  }
}

// OpenUnlearning's two truth ratios by the spec's example, and a log of the newer one: its rows
// hold p / (p + q) where R stands else, which the losses tell.
TEST(GoldenTofu, TheNewerTruthRatioHasANameOfItsOwn) {
  const std::vector<double> perturbed = {1.5, 2, 2.6, 3.1, 1.8};
  EXPECT_NEAR(knowledge(1.2, perturbed), 0.731058578, 1e-9);
  EXPECT_NEAR(truth_ratio(1.2, perturbed, {}), 0.367879441, 1e-9);
  const Json data = golden("tofu");
  const TofuLog retain = parse_tofu_log(data.at("eval_retain"), "retain");
  Json newer = data.at("eval");
  for (auto& [index, row] : newer.at("forget_truth_ratio").at("value_by_index").items()) {
    row["score"] = 1 / (1 + row["score"].get<double>());
  }
  newer["forget_truth_ratio"]["agg_value"] = data.at("summary").at("forget_knowledge");
  expect_summary(tofu_summary_from_log(parse_tofu_log(newer, "newer"), &retain),
                 data.at("summary"));
}

TEST(GoldenTofu, WhatIsMissingIsNullAndSaid) {
  const Json data = golden("tofu");
  Json log = data.at("eval");
  log.erase("ra_Q_A_ROUGE");
  const TofuSummary summary = tofu_summary_from_log(parse_tofu_log(log, "log"));
  for (const char* name : {"model_utility", "forget_quality", "privleak"}) {
    EXPECT_FALSE(summary.values.at(name).has_value()) << name;
    const auto said = std::any_of(summary.warnings.begin(), summary.warnings.end(),
                                  [&](const std::string& line) { return line.starts_with(name); });
    EXPECT_TRUE(said) << name;
  }
  EXPECT_EQ(summary.warnings.size(), 3U);
  EXPECT_EQ(summary.warnings[0], "model_utility is null: the log gives no ra_Q_A_ROUGE");
}

TEST(GoldenTofu, ObjectsKeyedByRowReadLikeLists) {
  const Json data = golden("tofu");
  Json keyed = Json::object();
  for (const auto& [task, fields] : data.at("log").items()) {
    for (const auto& [field, column] : fields.items()) {
      // Backwards, so that only sorting by number gives the order back.
      for (size_t i = column.size(); i-- > 0;) keyed[task][field][std::to_string(i)] = column[i];
    }
  }
  EXPECT_EQ(tofu_aggregated_json(parse_tofu_log(keyed, "keyed"), /*as_lists=*/true),
            data.at("log"));
}

class TofuFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(TofuFiles, AggregatedLogKeepsEveryBit) {
  const Json data = golden("tofu");
  const Json written =
      tofu_aggregated_json(parse_tofu_log(data.at("log"), "log"), /*as_lists=*/true);
  EXPECT_EQ(parse_json(written.dump(), "written"), data.at("log"));
}

TEST_F(TofuFiles, EvaluationWrittenFromOneFormReadsBackAsTheOther) {
  const Json data = golden("tofu");
  const TofuLog log = parse_tofu_log(data.at("log"), "log");
  const TofuLog retain = parse_tofu_log(data.at("retain"), "retain");
  const TofuEvaluationOptions guarded = {.formula = Formula::kOpenUnlearning, .false_answers = {}};
  const Evaluation evaluation = evaluate_tofu(log, &retain, guarded);
  write_eval_files(folder_, "TOFU", evaluation.metrics);

  const Json summary = read_json(folder_ / "TOFU_SUMMARY.json");
  std::string last;
  for (const auto& [name, value] : summary.items()) {
    EXPECT_LT(last, name);
    last = name;
    EXPECT_EQ(value.get<double>(), evaluation.metrics.at(name).value.value()) << name;
  }
  const TofuLog again = read_tofu_log(folder_ / "TOFU_EVAL.json");
  const TofuSummary recomputed = tofu_summary_from_log(again, &retain);
  for (const auto& [name, value] : recomputed.values) {
    EXPECT_EQ(value.value(), summary.at(name).get<double>()) << name;
  }
  EXPECT_EQ(recomputed.values.size(), summary.size());
  const Json stored = read_json(folder_ / "TOFU_EVAL.json");
  EXPECT_EQ(stored.at("forget_Q_A_ROUGE").at("value_by_index").at("3").at("generation"),
            data.at("log").at("eval_log_forget.json").at("generated_text")[3][1]);
}

TEST(Tofu, ValuesThatAreNotFiniteBecomeNull) {
  TofuLog log;
  log.source = "run";
  TofuRow row;
  row.answer.mean = std::nan("");
  log.rows(TofuTask::kForget) = {row};
  const Evaluation evaluation = evaluate_tofu(log, nullptr);
  EXPECT_FALSE(evaluation.metrics.at("forget_Q_A_Prob").value.has_value());
  EXPECT_TRUE(summary_json(evaluation.metrics).at("forget_Q_A_Prob").is_null());
  EXPECT_EQ(evaluation.warnings.front(),
            "forget_Q_A_Prob is null: its value is not finite (row 0 is NaN)");
}

// JSON writes a NaN as null; both forms of a log read it back as what it was.
TEST_F(TofuFiles, ADivergedModelsLogsReadBack) {
  TofuLog log = parse_tofu_log(golden("tofu").at("log"), "log");
  for (TofuRow& row : log.rows(TofuTask::kForget)) {
    row.answer.mean = row.paraphrase.mean = row.perturbed[0].mean = std::nan("");
  }
  const Evaluation evaluation = evaluate_tofu(log, nullptr);
  write_eval_files(folder_, "TOFU", evaluation.metrics);
  write_file_atomic(folder_ / "aggregated.json", tofu_aggregated_json(log).dump());
  for (const char* file : {"TOFU_EVAL.json", "aggregated.json"}) {
    const Evaluation again = evaluate_tofu(read_tofu_log(folder_ / file), nullptr);
    for (const char* name : {"forget_Q_A_Prob", "forget_Q_A_PARA_Prob", "forget_Q_A_PERT_Prob",
                             "forget_truth_ratio"}) {
      EXPECT_FALSE(again.metrics.at(name).value) << file << " " << name;
      EXPECT_EQ(std::count(again.warnings.begin(), again.warnings.end(),
                           std::string(name) + " is null: its value is not finite (row 0 is NaN)"),
                1)
          << file << " " << name;
    }
    EXPECT_TRUE(again.metrics.at("retain_Q_A_Prob").value) << file;
    EXPECT_TRUE(again.metrics.at("forget_Q_A_ROUGE").value) << file;
  }
}

TEST(GoldenTofu, ADivergedModelHasNoForgetQuality) {
  const Json data = golden("tofu");
  const TofuLog retain = parse_tofu_log(data.at("retain"), "retain");
  TofuLog log = parse_tofu_log(data.at("log"), "log");
  log.rows(TofuTask::kForget)[2].paraphrase.mean = std::nan("");
  const TofuSummary summary = tofu_summary_from_log(log, &retain);
  EXPECT_FALSE(summary.values.at("forget_truth_ratio").has_value());
  EXPECT_FALSE(summary.values.at("forget_quality").has_value());
  EXPECT_TRUE(summary.values.at("model_utility").has_value());
  for (const auto& [name, value] : legacy_aggregates(log, &retain)) {
    const bool compares = name.starts_with("Forget Quality") || name.starts_with("KS Test");
    EXPECT_EQ(value.has_value() && !std::isnan(*value), !compares && name != "Forget Truth Ratio")
        << name;
  }
}

TEST(Tofu, ADivergedRowIsNotHidden) {
  const std::vector<double> ratios = {0.5, std::nan("")};
  for (const TofuTask task : kTofuTasks) {
    EXPECT_TRUE(std::isnan(mean_truth_ratio(ratios, task, Formula::kLegacy).value()));
  }
}

TEST(Tofu, ModelUtilityIsZeroWhenAPartIs) {
  EXPECT_EQ(model_utility(std::vector<double>{0.5, 0.0, 1.0}).value(), 0);
  EXPECT_NEAR(model_utility(std::vector<double>{0.5, 1.0}).value(), 2.0 / 3, 1e-15);
  EXPECT_FALSE(model_utility({}).has_value());
}

}  // namespace
}  // namespace unlearn::benchmarks::tofu
