// The published aggregates of the reference logs, and their ROUGE values from their texts.
#include <gtest/gtest.h>

#include <map>

#include "benchmarks/shared_logs.h"
#include "benchmarks/tofu/summary.h"
#include "unlearn/metrics/rouge.h"

namespace unlearn::benchmarks::tofu {
namespace {

using metrics::rouge;
using metrics::RougeScores;
using metrics::shared_log;

const std::vector<std::string> kLogs = {"retain90_phi", "retain95_phi", "retain99_phi"};

std::vector<TofuLog> reference_logs() {
  std::vector<TofuLog> logs;
  for (const std::string& name : kLogs) logs.push_back(read_tofu_log(shared_log(name)));
  return logs;
}

std::map<std::string, double> as_map(const NamedValues& values) {
  std::map<std::string, double> result;
  for (const auto& [name, value] : values) result[name] = value.value();
  return result;
}

struct Published {
  const char* display;
  const char* key;
  double values[3];
};
const std::vector<Published> kPublished = {
    {"Retain ROUGE", "retain_Q_A_ROUGE", {0.859706960350655, 0.873040474251877, 0.88215860655055}},
    {"Retain Probability",
     "retain_Q_A_Prob",
     {0.903414796164556, 0.902967157790115, 0.905579898304274}},
    {"Retain Truth Ratio",
     "retain_Truth_Ratio",
     {0.477978583983951, 0.476469220566722, 0.47814597044432}},
    {"Real Authors ROUGE",
     "ra_Q_A_ROUGE",
     {0.442333333333333, 0.424833333333333, 0.437333333333333}},
    {"Real Authors Probability",
     "ra_Q_A_Prob_normalised",
     {0.376596103754631, 0.376528521776579, 0.380858240876897}},
    {"Real Authors Truth Ratio",
     "ra_Truth_Ratio",
     {0.455487469534115, 0.453162068591993, 0.45663269367124}},
    {"Real World ROUGE", "wf_Q_A_ROUGE", {0.758547008547009, 0.751424501424501, 0.721509971509971}},
    {"Real World Probability",
     "wf_Q_A_Prob_normalised",
     {0.417106899806963, 0.415358088017408, 0.409198697304072}},
    {"Real World Truth Ratio",
     "wf_Truth_Ratio",
     {0.505625905718211, 0.499669906637289, 0.490793035844971}},
    {"Forget ROUGE", "forget_Q_A_ROUGE", {0.428557155305863, 0.428782860017171, 0.432095002885065}},
    {"Forget Probability",
     "forget_Q_A_Prob",
     {0.136776979002632, 0.139329831634341, 0.170524966614676}},
    {"Forget Truth Ratio",
     "forget_truth_ratio",
     {0.635605121146218, 0.630875042621717, 0.657693798093239}},
    {"Model Utility", "model_utility", {0.524251920557396, 0.519997864110064, 0.520269136857647}},
};

TEST(GoldenReferenceLogs, PublishedAggregates) {
  SKIP_WITHOUT_SHARED_LOGS();
  const std::vector<TofuLog> logs = reference_logs();
  for (size_t i = 0; i < logs.size(); ++i) {
    const auto legacy = as_map(legacy_aggregates(logs[i], nullptr));
    const TofuSummary summary = tofu_summary_from_log(logs[i]);
    for (const Published& row : kPublished) {
      EXPECT_NEAR(legacy.at(row.display), row.values[i], 1e-12) << row.display;
      EXPECT_NEAR(summary.values.at(row.key).value(), row.values[i], 1e-12) << row.key;
    }
    EXPECT_FALSE(summary.values.at("forget_quality").has_value());
    ASSERT_EQ(summary.warnings.size(), 1U);
    EXPECT_NE(summary.warnings[0].find("--retain-log"), std::string::npos);
  }
}

TEST(GoldenReferenceLogs, PublishedProbMeanAggregates) {
  SKIP_WITHOUT_SHARED_LOGS();
  const std::vector<Published> rows = {
      {"Model Utility", "", {0.505114386615032, 0.499939258735867, 0.500662175657028}},
      {"Real Authors Truth Ratio", "", {0.400120536634938, 0.394678541911405, 0.400442929992619}},
      {"Real World Truth Ratio", "", {0.452255251653366, 0.443025828633437, 0.43517665852465}},
      {"Retain Truth Ratio", "", {0.453436507285273, 0.452423179215496, 0.45430254527725}},
      {"Forget Truth Ratio", "", {0.646287890811567, 0.642736535951205, 0.671533193157731}},
  };
  const std::vector<TofuLog> logs = reference_logs();
  for (size_t i = 0; i < logs.size(); ++i) {
    const auto values = as_map(legacy_aggregates(logs[i], nullptr, FalseAnswers::kProbMean));
    for (const Published& row : rows) {
      EXPECT_NEAR(values.at(row.display), row.values[i], 1e-12) << row.display;
    }
  }
}

TEST(GoldenReferenceLogs, OpenUnlearningFormulas) {
  SKIP_WITHOUT_SHARED_LOGS();
  const double utility[] = {0.52416693097671, 0.51999365902028, 0.52022689090831};
  const double ratio[] = {0.63560512071131, 0.63087504205745, 0.65769379737671};
  const std::vector<TofuLog> logs = reference_logs();
  for (size_t i = 0; i < logs.size(); ++i) {
    const auto values =
        tofu_summary_from_log(logs[i], nullptr, {.formula = Formula::kOpenUnlearning}).values;
    EXPECT_NEAR(values.at("model_utility").value(), utility[i], 1e-12);
    EXPECT_NEAR(values.at("forget_truth_ratio").value(), ratio[i], 1e-12);
  }
}

TEST(GoldenReferenceLogs, ForgetQuality) {
  SKIP_WITHOUT_SHARED_LOGS();
  const std::vector<TofuLog> logs = reference_logs();
  struct Pair {
    size_t a, b;
    double statistic, p, prob_mean_p;
  };
  const std::vector<Pair> pairs = {
      {0, 1, 0.065, 0.674215557590726, 0.735153657810824},
      {0, 2, 0.0966666666666667, 0.867321125878972, 0.924859716133013},
      {1, 2, 0.095, 0.90736998120839, 0.994649668878808},
  };
  for (const Pair& pair : pairs) {
    for (const bool swapped : {false, true}) {
      const TofuLog& log = logs[swapped ? pair.b : pair.a];
      const TofuLog& retain = logs[swapped ? pair.a : pair.b];
      const auto values = as_map(legacy_aggregates(log, &retain));
      EXPECT_NEAR(values.at("Forget Quality"), pair.p, 1e-12);
      EXPECT_NEAR(values.at("KS Test Forget"), pair.statistic, 1e-12);
      for (const Formula formula : {Formula::kLegacy, Formula::kOpenUnlearning}) {
        const auto summary = tofu_summary_from_log(log, &retain, {.formula = formula});
        EXPECT_NEAR(summary.values.at("forget_quality").value(), pair.p, 1e-12);
        EXPECT_TRUE(summary.warnings.empty());
      }
      EXPECT_NEAR(
          as_map(legacy_aggregates(log, &retain, FalseAnswers::kProbMean)).at("Forget Quality"),
          pair.prob_mean_p, 1e-12);
    }
  }
  EXPECT_EQ(as_map(legacy_aggregates(logs[0], &logs[0])).at("Forget Quality"), 1);
}

TEST(GoldenReferenceLogs, TruthRatioStatistics) {
  SKIP_WITHOUT_SHARED_LOGS();
  const std::vector<TofuLog> logs = reference_logs();
  const double means[] = {1.65158604091, 1.68649979598, 1.58242325426};
  const double first[3][5] = {
      {1.59273212476, 1.86002734174, 1.08534861589, 1.1524760865, 1.53961793319},
      {0.652778512872, 1.29063118281, 0.646403816978, 0.609656773191, 1.1569254036},
      {1.44058017097, 3.70885307589, 1.21624142553, 0.688309227037, 1.05808248591}};
  for (size_t i = 0; i < logs.size(); ++i) {
    const auto ratios = comparable_truth_ratios(logs[i], logs[i], {}).first;
    double sum = 0;
    for (const double ratio : ratios) sum += 1 / ratio;
    EXPECT_NEAR(sum / static_cast<double>(ratios.size()), means[i], 1e-10);
    for (size_t k = 0; k < 5; ++k) EXPECT_NEAR(1 / ratios[k], first[i][k], 1e-10);
  }
}

TEST(GoldenReferenceLogs, RougeOfAllTextsIsExact) {
  SKIP_WITHOUT_SHARED_LOGS();
  int rows = 0;
  for (const TofuLog& log : reference_logs()) {
    for (const TofuTask task : kTofuTasks) {
      for (const TofuRow& row : log.rows(task)) {
        const auto& [prompt, generation, truth] = row.text.value();
        const RougeScores scores = rouge(truth, generation, true);
        EXPECT_EQ(scores.rouge1.recall, row.rouge1_recall.value()) << prompt;
        EXPECT_EQ(scores.rouge_l.recall, row.rouge_l_recall.value()) << prompt;
        ++rows;
      }
    }
  }
  EXPECT_EQ(rows, 2091);
}

TEST(GoldenReferenceLogs, WritingAndReadingKeepsEveryBit) {
  SKIP_WITHOUT_SHARED_LOGS();
  for (const std::string& name : kLogs) {
    const Json stored = read_json(shared_log(name));
    EXPECT_EQ(tofu_aggregated_json(parse_tofu_log(stored, name), /*as_lists=*/true), stored)
        << name;
  }
}

}  // namespace
}  // namespace unlearn::benchmarks::tofu
