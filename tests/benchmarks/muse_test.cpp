#include <gtest/gtest.h>

#include "benchmarks/muse/aggregates.h"
#include "metrics/golden.h"
#include "unlearn/core/error.h"
#include "unlearn/metrics/mia.h"

namespace unlearn::benchmarks::muse {
namespace {

using metrics::EvalReport;
using metrics::Evaluation;
using metrics::parse_eval_report;
using metrics::RougeScores;

TEST(Muse, KnowMemOutputsAreCut) {
  EXPECT_EQ(cut_knowmem_output("Paris\n\nQuestion: next"), "Paris");
  EXPECT_EQ(cut_knowmem_output("Paris\nQuestion: next"), "Paris");
  EXPECT_EQ(cut_knowmem_output("Paris Question: next"), "Paris ");
  EXPECT_EQ(cut_knowmem_output("Question: at once"), "");
  EXPECT_EQ(cut_knowmem_output("Paris\nand more"), "Paris\nand more");
}

TEST(Muse, RougeMeansWithAndWithoutStemmer) {
  const std::string truth = "He happily studied relational databases, flying to conferences.";
  const std::string response = "happy studies of relation database; flies to conference";
  const std::vector<RougeScores> plain = {muse_rouge(truth, response, false),
                                          muse_rouge("one two", "one two", false)};
  EXPECT_NEAR(muse_rouge_score(plain, false).value(), 100 * (0.125 + 1) / 2, 1e-12);
  const std::vector<RougeScores> stemmed = {muse_rouge(truth, response, true)};
  EXPECT_NEAR(muse_rouge_score(stemmed, true).value(), 0.75, 1e-15);
  EXPECT_FALSE(muse_rouge_score({}, false).has_value());

  const auto aggregates = muse_rouge_aggregates(plain);
  EXPECT_EQ(aggregates.size(), 16U);
  EXPECT_EQ(aggregates.at("max_rougeL"), 1);
  EXPECT_EQ(aggregates.at("mean_rougeL"), (0.125 + 1) / 2);
  EXPECT_EQ(aggregates.at("rougeL_ci_lo"), 0.125);
  EXPECT_EQ(aggregates.at("rougeL_ci_hi"), 1);
}

TEST(Muse, AttackValuesOfOneText) {
  const std::vector<double> logp = {-0.1, -3.2, -0.5, -2.2, -0.05, -1.7,
                                    -0.9, -4.0, -0.3, -1.1, -0.7};
  const std::vector<double> lower = {-2.0, -1.0};
  const AttackValues values = muse_attack_values("The cat sat on the mat.", logp, lower);
  EXPECT_NEAR(values.at("PPL"), 14.75 / 11, 1e-12);
  EXPECT_NEAR(values.at("PPL/lower"), 14.75 / 11 / 1.5, 1e-12);
  EXPECT_NEAR(values.at("PPL/zlib"), 14.75 / 11 / 28, 1e-12);
  EXPECT_NEAR(values.at("Min-20%"), 3.6, 1e-12);
  EXPECT_NEAR(values.at("Min-40%"), 2.775, 1e-12);
  EXPECT_NEAR(values.at("Min-5%"), 4.0, 1e-12);
  EXPECT_EQ(values.size(), 10U);
  EXPECT_TRUE(muse_attack_values("x", {}, {}).empty());
}

TEST(Muse, PublishedRetrainedAucs) {
  EXPECT_EQ(muse_retrained_auc("news", "Min-40%").value(), 0.4772);
  EXPECT_EQ(muse_retrained_auc("books", "Min-40%").value(), 0.5393);
  EXPECT_EQ(muse_retrained_auc("books", "PPL/zlib").value(), 0.2773);
  EXPECT_FALSE(muse_retrained_auc("poems", "PPL").has_value());
  EXPECT_FALSE(muse_retrained_auc("news", "Min-7%").has_value());
}

TEST(Muse, AucTable) {
  std::map<std::string, std::vector<AttackValues>> values;
  for (const double v : {2.1, 1.9, 2.5, 3.0, 1.2}) values["forget"].push_back({{"Min-40%", v}});
  for (const double v : {2.2, 2.8, 1.0, 3.1, 2.6}) values["holdout"].push_back({{"Min-40%", v}});
  values["retain"] = {};
  const auto table = muse_auc_table(values);
  EXPECT_NEAR(table.at(kMuseLeakKey).value(), 0.36, 1e-15);
  EXPECT_NEAR(table.at("holdout_forget_Min-40%").value(), 0.64, 1e-15);
  EXPECT_FALSE(table.at("forget_retain_Min-40%").has_value());
}

Json side(const std::vector<double>& scores) {
  Json rows = Json::object();
  for (size_t i = 0; i < scores.size(); ++i) rows[std::to_string(i)] = {{"score", scores[i]}};
  return {{"agg_value", 0.0}, {"value_by_index", rows}};
}

TEST(Muse, StoredLogIsRecomputed) {
  Json log;
  log["forget_knowmem_ROUGE"] = {
      {"agg_value", 9.0},
      {"value_by_index", {{"0", {{"rougeL_f1", 0.25}}}, {"1", {{"rougeL_f1", 0.75}}}}}};
  log["mia_min_k"] = {{"agg_value", 9.0},
                      {"forget", side({2.1, 1.9, 2.5, 3.0, 1.2})},
                      {"holdout", side({2.2, 2.8, 1.0, 3.1, 2.6})}};
  const EvalReport report = parse_eval_report(log, "m.json");
  const Evaluation alone = evaluate_muse_log(report, "m.json", nullptr, "");
  EXPECT_EQ(alone.metrics.at("forget_knowmem_ROUGE").value.value(), 0.5);
  EXPECT_DOUBLE_EQ(alone.metrics.at("mia_min_k").value.value(), 0.64);
  EXPECT_FALSE(alone.metrics.at("privleak").value.has_value());
  EXPECT_EQ(alone.warnings.size(), 1U);

  const Evaluation news = evaluate_muse_log(report, "m.json", nullptr, "", "news");
  EXPECT_NEAR(news.metrics.at("privleak").value.value(), -24.5599329422, 1e-9);
  EXPECT_TRUE(news.warnings.empty());

  const Evaluation paired = evaluate_muse_log(report, "m.json", &report, "m.json");
  EXPECT_NEAR(paired.metrics.at("privleak").value.value(), 0, 1e-12);
  EXPECT_THROW(evaluate_muse_log(report, "m.json", nullptr, "", "poems"), UserError);
}

}  // namespace
}  // namespace unlearn::benchmarks::muse
