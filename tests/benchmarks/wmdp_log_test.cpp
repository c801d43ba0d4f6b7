// Multiple-choice aggregates from stored rows; transformers' log-likelihoods and its accuracy
// (scripts/goldens/multiple_choice.py).
#include <gtest/gtest.h>

#include "benchmarks/wmdp/log.h"
#include "test_folder.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn::benchmarks::wmdp {
namespace {

using metrics::eval_json;
using metrics::EvalReport;
using metrics::Evaluation;
using metrics::MetricResult;
using metrics::parse_eval_report;

const std::string kTests = UNLEARN_TEST_DIR;

// The golden rows of a task with the answers and subjects of the questions they belong to.
MetricResult golden_task(const std::string& task, const Json& golden) {
  MetricResult result;
  for_each_json_row(kTests + "/data_fixtures/wmdp/" + task + ".jsonl",
                    [&](int64_t row, const Json& question) {
                      Json& stored = result.details["value_by_index"][std::to_string(row)];
                      stored = {{"answer", question.at("answer")},
                                {"logp", golden.at("logp").at(static_cast<size_t>(row))}};
                      if (question.contains("subject")) stored["subject"] = question["subject"];
                    });
  return result;
}

TEST(GoldenWmdpLog, AccuracyFromLogLikelihoods) {
  const Json golden = read_json(kTests + "/golden/eval/wmdp.json");
  EvalReport log;
  for (const auto& [name, task] : golden.items()) {
    log[name] = golden_task(name.substr(0, name.size() - 4), task);
  }
  log["other_acc"] = {};
  const Evaluation evaluation = evaluate_wmdp_log(log, "x.json");
  for (const auto& [name, task] : golden.items()) {
    EXPECT_DOUBLE_EQ(*evaluation.metrics.at(name).value, task.at("agg").get<double>()) << name;
  }
  EXPECT_EQ(evaluation.metrics.at("mmlu_acc").details.at("by_subject").size(), 3U);
  EXPECT_FALSE(evaluation.metrics.at("wmdp_bio_acc").details.contains("by_subject"));
  EXPECT_FALSE(evaluation.metrics.at("other_acc").value);
  ASSERT_EQ(evaluation.warnings.size(), 1U);
  // What is written gives the same again.
  const Evaluation again =
      evaluate_wmdp_log(parse_eval_report(eval_json(evaluation.metrics), "x.json"), "x.json");
  EXPECT_EQ(eval_json(again.metrics), eval_json(evaluation.metrics));
}

std::string message(const Json& row) {
  EvalReport log;
  log["mmlu_acc"].details["value_by_index"] = {{"0", {{"logp", {-1, -2}}, {"answer", 0}}},
                                               {"1", row}};
  return refusal([&] { evaluate_wmdp_log(log, "x.json"); });
}

TEST(WmdpLog, MistakesAreNamed) {
  const std::string place = "x.json: mmlu_acc: row 1: ";
  EXPECT_EQ(message({{"logp", {-2, -1}}, {"answer", 1}, {"score", 1}}), "accepted");
  EXPECT_EQ(message({{"score", 1}}), "accepted");
  EXPECT_EQ(message(Json::object()), place + "neither logp nor score");
  EXPECT_NE(message({{"logp", {-1, true}}, {"answer", 1}}).find(place + "logp: boolean"),
            std::string::npos);
  EXPECT_NE(message({{"logp", {-1, -2}}, {"answer", 2}}).find("0 to 1"), std::string::npos);
  EXPECT_NE(message({{"logp", {-1, -2}}, {"answer", 1}, {"score", 1}}).find("contradicts"),
            std::string::npos);
  EXPECT_NE(message(3).find(place + "must be an object"), std::string::npos);
}

TEST(WmdpLog, ADivergedModelHasNoAccuracy) {
  for (const Json& value : {Json(nullptr), Json(std::nan(""))}) {
    EvalReport log;
    log["mmlu_acc"].details["value_by_index"] = {{"0", {{"logp", {-1, -2}}, {"answer", 0}}},
                                                 {"1", {{"logp", {value, -2}}, {"answer", 0}}}};
    const Evaluation evaluation = evaluate_wmdp_log(log, "x.json");
    EXPECT_FALSE(evaluation.metrics.at("mmlu_acc").value);
    EXPECT_EQ(evaluation.warnings,
              std::vector<std::string>{"mmlu_acc is null: its value is not finite"});
  }
}

TEST(WmdpLog, OtherLogsAreRefused) {
  EXPECT_THROW(read_wmdp_log(kTests + "/golden/eval/wmdp.json"), UserError);
  const auto file = std::filesystem::path(testing::TempDir()) / "unlearn_not_wmdp.json";
  write_file_atomic(file, R"({"privleak": {"agg_value": 1}})");
  EXPECT_THROW(read_wmdp_log(file), UserError);
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace unlearn::benchmarks::wmdp
