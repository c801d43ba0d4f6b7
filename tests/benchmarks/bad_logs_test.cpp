// Wrong logs end in one line that names the file, the task, the field and the row.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>

#include "benchmarks/muse/aggregates.h"
#include "benchmarks/tofu/summary.h"
#include "metrics/golden.h"
#include "test_folder.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/rng.h"

namespace unlearn::benchmarks::tofu {
namespace {

using metrics::eval_json;
using metrics::eval_log_file;
using metrics::Evaluation;
using metrics::golden;

std::string reading(const Json& log) {
  return refusal([&] { parse_tofu_log(log, "x.json"); });
}

std::string reading_text(const std::string& text) {
  const auto path = std::filesystem::path(testing::TempDir()) / "bad_log.json";
  write_file_atomic(path, text);
  std::string message = refusal([&] { read_tofu_log(path); });
  const size_t at = message.find(path.string());
  EXPECT_EQ(at, 0U) << message;
  std::filesystem::remove(path);
  return at == 0 ? message.substr(path.string().size()) : message;
}

TEST(GoldenBadLogs, AggregatedForm) {
  const Json good = golden("tofu").at("log");
  EXPECT_EQ(reading(good), "accepted");
  for (const char* field :
       {"avg_gt_loss", "rougeL_recall", "average_perturb_loss", "avg_paraphrased_loss"}) {
    Json log = good;
    log["eval_log.json"].erase(field);
    EXPECT_EQ(reading(log), cat("x.json: eval_log.json: ", field, ": this field is missing"));
  }
  Json log = good;
  log["eval_log_forget.json"]["rougeL_recall"].erase(0);
  EXPECT_EQ(reading(log),
            "x.json: eval_log_forget.json: rougeL_recall: 14 rows, but avg_gt_loss has 15");
  log = good;
  log["eval_log_forget.json"]["average_perturb_loss"][3][1] = true;
  EXPECT_EQ(reading(log),
            "x.json: eval_log_forget.json: average_perturb_loss: row 3: boolean instead of a "
            "number");
  log = good;
  log["eval_log_forget.json"]["average_perturb_loss"][3] = Json::array();
  EXPECT_EQ(reading(log),
            "x.json: eval_log_forget.json: average_perturb_loss: row 3: not a list of numbers");
  log = good;
  log["eval_log.json"]["avg_gt_loss"] = Json::array();
  EXPECT_EQ(reading(log), "x.json: eval_log.json: avg_gt_loss: no rows");
  log = good;
  log["eval_log.json"]["num_token_gt"][2] = 1.5;
  EXPECT_EQ(reading(log), "x.json: eval_log.json: num_token_gt: row 2: 1.5 is no token count");
  log = good;
  log["eval_log.json"] = 3;
  EXPECT_EQ(reading(log), "x.json: eval_log.json: number instead of an object");
  log = good;
  log["eval_log.json"]["generated_text"][0] = "text";
  EXPECT_EQ(reading(log),
            "x.json: eval_log.json: generated_text: row 0: not [prompt, generation, ground truth]");
  log = good;
  log["eval_log.json"]["avg_gt_loss"] = {{"0", 1.0}, {"x", 2.0}};
  EXPECT_EQ(reading(log), "x.json: eval_log.json: avg_gt_loss: key 'x' is no row number");
}

TEST(GoldenBadLogs, OpenUnlearningForm) {
  const Json good = golden("tofu").at("eval");
  EXPECT_EQ(reading(good), "accepted");
  Json log = good;
  log["forget_Q_A_PERT_Prob"]["value_by_index"].erase("4");
  EXPECT_EQ(reading(log), "x.json: forget_Q_A_PERT_Prob: 14 rows, but forget_Q_A_Prob has 15");
  log = good;
  log["forget_Q_A_Prob"]["value_by_index"]["2"].erase("avg_loss");
  EXPECT_EQ(reading(log), "x.json: forget_Q_A_Prob: row 2: no avg_loss");
  log = good;
  log["retain_Q_A_ROUGE"].erase("value_by_index");
  EXPECT_EQ(reading(log), "x.json: retain_Q_A_ROUGE: no value_by_index");
  log = good;
  log["mia_min_k"].erase("holdout");
  EXPECT_EQ(
      refusal([&] { tofu_summary_from_log(parse_tofu_log(log, "x.json")); }),
      "x.json: mia_min_k: holdout: missing; an attack stores the scores of forget and holdout");
}

TEST(BadLogs, OtherFiles) {
  EXPECT_EQ(reading(Json::object()), "x.json: the log is empty; it holds no task and no metric");
  EXPECT_EQ(reading(Json::array()), "x.json: not an evaluation log; it must be one JSON object");
  EXPECT_EQ(reading({{"forget_knowmem_ROUGE", {{"agg_value", 1}}}}),
            "x.json: a MUSE log; a TOFU log has eval_log_forget.json or forget_Q_A_Prob");
  EXPECT_EQ(reading({{"wmdp_bio", {{"agg_value", 1}}}}),
            "x.json: no TOFU log; it has 'wmdp_bio' where eval_log_forget.json or forget_Q_A_Prob "
            "would be right");
  EXPECT_EQ(reading({{"avg_gt_loss", {1.0}}}),
            "x.json: one task's log; give eval_log_aggregated.json with its four tasks");
  EXPECT_EQ(reading({{"model_utility", 0.5}, {"forget_quality", nullptr}}),
            "x.json: only aggregates (a summary); give the _EVAL.json with the rows");
  EXPECT_EQ(reading({{"model_utility", {1}}}),
            "x.json: model_utility: not a metric; it must be an object with \"agg_value\"");
}

TEST(BadLogs, TextsThatAreNoLog) {
  EXPECT_EQ(reading_text("{\"eval_log.json\": {\"avg_gt_loss\": [0.5, \"NaN\"]}}"),
            ": eval_log.json: avg_gt_loss: row 1: string instead of a number");
  EXPECT_EQ(reading_text("{\"eval_log.json\": {\"avg_gt_loss\": [0.5,"),
            ": not valid JSON at byte 40");
  EXPECT_EQ(reading_text(""), ": not valid JSON at byte 1");
  EXPECT_NE(reading_text(std::string(100000, '[')).find("deeper than"), std::string::npos);
}

TEST(BadLogs, ARetainLogWithoutForgetRows) {
  const Json good = golden("tofu").at("log");
  Json partial = good;
  partial.erase("eval_log_forget.json");
  const TofuLog log = parse_tofu_log(good, "x.json");
  const TofuLog retain = parse_tofu_log(partial, "retain.json");
  EXPECT_EQ(refusal([&] { tofu_summary_from_log(log, &retain); }),
            "retain.json: no forget task; forget quality needs eval_log_forget.json or "
            "forget_truth_ratio");
}

// Damaged logs of both forms are refused or read, never anything else.
TEST(SlowBadLogs, DamagedTextsNeverEscape) {
  const Json data = golden("tofu");
  Rng rng(11);
  const std::string pieces = "0123456789eE+-.\"{}[]:,NaNInfinitynulltrue \\";
  int refused = 0;
  for (const char* key : {"log", "eval"}) {
    const TofuLog retain = parse_tofu_log(data.at("retain"), "retain");
    const std::string text = data.at(key).dump();
    const auto path = std::filesystem::path(testing::TempDir()) / "damaged_log.json";
    for (int round = 0; round < 400; ++round) {
      std::string damaged = text;
      for (int64_t n = 1 + rng.below(3); n > 0; --n) {
        const auto at = static_cast<size_t>(rng.below(static_cast<int64_t>(damaged.size())));
        const auto piece = static_cast<size_t>(rng.below(static_cast<int64_t>(pieces.size())));
        if (rng.below(20) == 0) damaged.resize(at + 1);
        damaged[at] = pieces[piece];
      }
      std::ofstream(path, std::ios::binary) << damaged;
      try {
        const TofuLog log = read_tofu_log(path);
        tofu_summary_from_log(log, &retain);
        legacy_aggregates(log, &retain);
        tofu_aggregated_json(log);
      } catch (const UserError&) {
        ++refused;
      }
    }
    std::filesystem::remove(path);
  }
  EXPECT_GT(refused, 100);
}

// Python's json module writes NaN and infinities; each spoils what is made of it, and no more.
TEST(GoldenBadLogs, OneValueThatIsNotFinite) {
  const Json data = golden("tofu");
  const TofuLog retain = parse_tofu_log(data.at("retain"), "retain.json");
  const auto summary_of = [&](const Json& log, const TofuLog& other) {
    return tofu_summary_from_log(parse_tofu_log(log, "x.json"), &other);
  };
  const TofuSummary good = summary_of(data.at("log"), retain);
  const auto expect_nulls = [&](const TofuSummary& summary, const std::vector<std::string>& nulls) {
    for (const auto& [name, value] : good.values) {
      const bool is_null = std::find(nulls.begin(), nulls.end(), name) != nulls.end();
      EXPECT_EQ(summary.values.at(name), is_null ? std::nullopt : value) << name;
    }
    EXPECT_EQ(summary.warnings.size(), nulls.size());
  };
  Json log = data.at("log");
  log["eval_log.json"]["avg_gt_loss"][1] = std::nan("");
  TofuSummary summary = summary_of(log, retain);
  expect_nulls(summary, {"retain_Q_A_Prob", "model_utility"});
  EXPECT_EQ(summary.warnings[0], "retain_Q_A_Prob is null: its value is not finite (row 1 is NaN)");
  log = data.at("log");
  log["eval_log_forget.json"]["rougeL_recall"][2] = std::nan("");
  expect_nulls(summary_of(log, retain), {"forget_Q_A_ROUGE"});
  log = data.at("log");
  log["eval_log_forget.json"]["avg_paraphrased_loss"][3] = std::nan("");
  expect_nulls(summary_of(log, retain), {"forget_Q_A_PARA_Prob", "forget_truth_ratio",
                                         "forget_knowledge", "forget_quality"});
  // The retrained model's.
  log = data.at("retain");
  log["eval_log_forget.json"]["avg_paraphrased_loss"][3] = std::nan("");
  summary = summary_of(data.at("log"), parse_tofu_log(log, "retain.json"));
  expect_nulls(summary, {"forget_quality"});
  EXPECT_EQ(summary.warnings[0],
            "forget_quality is null: a forget truth ratio of retain.json is NaN");
  // An infinite loss is a probability of 0.
  log = data.at("log");
  log["eval_log.json"]["avg_gt_loss"][1] = INFINITY;
  summary = summary_of(log, retain);
  const size_t rows = log["eval_log.json"]["avg_gt_loss"].size();
  const double lost = std::exp(-data.at("log")["eval_log.json"]["avg_gt_loss"][1].get<double>());
  EXPECT_NEAR(*summary.values.at("retain_Q_A_Prob"),
              *good.values.at("retain_Q_A_Prob") - lost / static_cast<double>(rows), 1e-12);
  EXPECT_TRUE(summary.warnings.empty());
}

TEST(GoldenBadLogs, OneAttackScoreThatIsNotFinite) {
  const Json data = golden("tofu");
  const TofuLog retain = parse_tofu_log(data.at("eval_retain"), "retain.json");
  Json log = data.at("eval");
  log["mia_min_k"]["holdout"]["value_by_index"]["4"]["score"] = std::nan("");
  const TofuSummary summary = tofu_summary_from_log(parse_tofu_log(log, "x.json"), &retain);
  EXPECT_FALSE(summary.values.at("mia_min_k"));
  EXPECT_FALSE(summary.values.at("privleak"));
  EXPECT_EQ(summary.values.at("extraction_strength"),
            tofu_summary_from_log(parse_tofu_log(data.at("eval"), "x.json"), &retain)
                .values.at("extraction_strength"));
  EXPECT_EQ(summary.warnings.at(0), "mia_min_k is null: holdout: row 4: score is NaN");
}

TEST(BadLogs, PythonsLiteralsInAFile) {
  const TestFolder folder;
  const auto path =
      folder.write("log.json", R"({"forget_knowmem_ROUGE": {"agg_value": NaN, "value_by_index":
                      {"0": {"rougeL_f1": 0.5}, "1": {"rougeL_f1": NaN}}}})");
  const Evaluation evaluation =
      muse::evaluate_muse_log(muse::read_muse_log(path), "x.json", nullptr, "", "");
  EXPECT_FALSE(evaluation.metrics.at("forget_knowmem_ROUGE").value);
  EXPECT_EQ(evaluation.warnings.at(0), "forget_knowmem_ROUGE is null: row 1: rougeL_f1 is NaN");
  // What is written is JSON.
  EXPECT_EQ(eval_json(evaluation.metrics).dump().find("NaN"), std::string::npos);
}

TEST(EvalLogs, AFolderMeansTheLogInIt) {
  const TestFolder folder;
  const std::string run = folder.path().string();
  EXPECT_EQ(refusal([&] { eval_log_file(run, "TOFU", "--retain-log"); }),
            cat("--retain-log: ", run,
                " holds no eval/TOFU_EVAL.json; evaluate that run first (unlearn eval RUN)"));
  const auto found = [&] { return eval_log_file(run, "TOFU", "--retain-log"); };
  const auto bare = folder.write("eval_log_aggregated.json", "{}");
  EXPECT_EQ(found(), bare);
  const auto inside = folder.write("eval/eval_log_aggregated.json", "{}");
  EXPECT_EQ(found(), inside);
  EXPECT_NE(refusal([&] { eval_log_file(run, "MUSE", "--log"); }), "accepted");
  const auto report = folder.write("eval/TOFU_EVAL.json", "{}");
  EXPECT_EQ(found(), report);
  EXPECT_EQ(eval_log_file("some.json", "TOFU", "--log"), "some.json");
}

// locuslab/tofu's aggregate_eval_stat.py takes the values of objects, Unlearn-Simple lists.
TEST(GoldenEvalLogs, AggregatedRowsAreKeyedByNumber) {
  const Json lists = golden("tofu").at("log");
  const TofuLog log = parse_tofu_log(lists, "x.json");
  const Json objects = tofu_aggregated_json(log);
  for (const auto& [task, columns] : lists.items()) {
    for (const auto& [field, values] : columns.items()) {
      const Json& written = objects.at(task).at(field);
      ASSERT_TRUE(written.is_object()) << field;
      ASSERT_EQ(written.size(), values.size());
      for (size_t i = 0; i < values.size(); ++i) {
        EXPECT_EQ(written.at(std::to_string(i)), values[i]) << field << " row " << i;
      }
    }
  }
  EXPECT_EQ(tofu_aggregated_json(parse_tofu_log(objects, "x.json")), objects);
  EXPECT_EQ(tofu_aggregated_json(parse_tofu_log(objects, "x.json"), /*as_lists=*/true),
            tofu_aggregated_json(log, /*as_lists=*/true));
  EXPECT_TRUE(tofu_aggregated_json(log, true)["eval_log.json"]["avg_gt_loss"].is_array());
}

}  // namespace
}  // namespace unlearn::benchmarks::tofu
