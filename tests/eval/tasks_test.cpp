// Utility tasks: the spec's published examples, rows that are refused, and the harness's own
// numbers.
#include "unlearn/eval/tasks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "test_folder.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/tokenizer/lower_case.h"

namespace unlearn::eval::tasks {
namespace {
namespace fs = std::filesystem;

const fs::path kTasks = fs::path(UNLEARN_TEST_DIR) / "data_fixtures/tasks";

const TaskMetric& metric_of(const std::string& task, const std::string& name) {
  for (const TaskMetric& metric : find_task(task).metrics) {
    if (metric.name == name) return metric;
  }
  throw std::runtime_error(task + " has no " + name);
}

TEST(Tasks, PublishedExamples) {
  TaskRow row;
  row.lengths = {18, 5, 26, 10};
  const AnsweredRow answered{{-12, -9.5, -14, -10}, {}};
  for (const auto& [metric, right] : {std::pair{"acc", 1}, {"acc_norm", 2}}) {
    for (int choice = 0; choice < 4; ++choice) {
      row.right = {0, 0, 0, 0};
      row.right[static_cast<size_t>(choice)] = 1;
      EXPECT_EQ(metric_of("hellaswag", metric).of_row(row, answered), choice == right ? 1 : 0)
          << metric << " " << choice;
    }
  }
  TaskRow several;
  several.right = {1, 1, 0, 0, 1};
  const AnsweredRow all{{-5, -6, -4.5, -7, -5.5}, {}};
  EXPECT_NEAR(*metric_of("truthfulqa_mc2", "acc").of_row(several, all), 0.525323299, 1e-9);
  const TaskMetric& perplexity = metric_of("lambada_openai", "perplexity");
  double loss = 0;
  for (const double logp : {-1.0, -.2, -3.0}) loss += *perplexity.of_row({}, {{logp}, {true}}) / 3;
  EXPECT_NEAR(perplexity.of_mean(loss), 4.055199967, 1e-9);
}

TEST(Tasks, ADivergedModelHasNoScore) {
  TaskRow row;
  row.right = {1, 0};
  row.lengths = {1, 1};
  const AnsweredRow answered{{NAN, -1}, {false}};
  for (const Task& task : registered_tasks()) {
    for (const TaskMetric& metric : task.metrics) {
      EXPECT_FALSE(metric.of_row(row, answered)) << task.name << " " << metric.name;
    }
  }
}

// Every line of tasks.def is a task of that name, with one share of right answers at most.
TEST(Tasks, TheList) {
  std::set<std::string> names;
  for (const Task& task : registered_tasks()) {
    EXPECT_TRUE(names.insert(task.name).second) << task.name;
    EXPECT_FALSE(task.help.empty() || task.fields.empty() || task.metrics.empty()) << task.name;
    EXPECT_LE(std::count_if(task.metrics.begin(), task.metrics.end(),
                            [](const TaskMetric& metric) { return metric.is_utility; }),
              1)
        << task.name;
  }
  const std::string list = read_file(UNLEARN_SOURCE_DIR "/src/eval/tasks/tasks.def");
  for (const std::string& name : names) {
    EXPECT_NE(list.find("TASK(" + name + ")"), std::string::npos) << name;
  }
}

TEST(Tasks, TextsAreCleanedAsTheHarnessDoes) {
  const auto rows = read_rows({&find_task("hellaswag"), kTasks / "hellaswag.jsonl"}, {}, 0);
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(
      rows[1].second.choices[0].context,
      "Fixing a bicycle: How to mend a flat tyre. Take the wheel off. Loosen the bolts Then pull");
  EXPECT_EQ(rows[1].second.choices[0].continuation,
            " the tube out of the tyre and look for the hole.");
  EXPECT_EQ(rows[2].second.choices[0].context,
            "Fishing: Two men sit in a boat [broken\nmark] on a lake.");
  EXPECT_EQ(rows[3].second.choices[0].context, "Café: A waiter carries cups. Élodie looks up");
  const auto blanks = read_rows({&find_task("winogrande"), kTasks / "winogrande.jsonl"}, {}, 1);
  ASSERT_EQ(blanks.size(), 1U);
  EXPECT_EQ(blanks[0].second.choices[1].context,
            "The cup did not fit into the box because the box");
  EXPECT_EQ(blanks[0].second.choices[1].continuation, " was too large.");
  EXPECT_EQ(tokenizer::capitalized("ÉCOLE et élan"), "École et élan");
  EXPECT_EQ(tokenizer::capitalized(""), "");
}

TEST(Tasks, BadRowsAreNamed) {
  const fs::path file = fs::path(::testing::TempDir()) / "unlearn_task_rows.jsonl";
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"hellaswag", R"({"activity_label":"a","ctx_a":"b","ctx_b":"c","endings":[],"label":"0"})",
       "'endings' must be a list of texts"},
      {"hellaswag", R"({"activity_label":"a","ctx_a":"b","ctx_b":"c","endings":["d"],"label":"1"})",
       "'label' must be a choice's number, 0 to 0"},
      {"arc_easy", R"({"question":"q","choices":{"text":["a"],"label":["A"]},"answerKey":"B"})",
       "answerKey ('B')"},
      {"piqa", R"({"goal":"g","sol1":"a","label":0})", "no field 'sol2'"},
      {"winogrande", R"({"sentence":"none","option1":"a","option2":"b","answer":"1"})", "no blank"},
      {"winogrande", R"({"sentence":"_","option1":"a","option2":"b","answer":""})", "\"1\" or"},
      {"boolq", R"({"passage":"p","question":7,"label":1})", "'question' must be text"},
      {"lambada_openai", R"({"text":"word"})", "must have two words"},
      {"truthfulqa_mc1", R"({"question":"q","mc1_targets":{"choices":["a","b"],"labels":[0,1]}})",
       "the first choice must be true"},
      {"truthfulqa_mc2", R"({"question":"q","mc2_targets":{"choices":["a","b"],"labels":[1]}})",
       "a label, 0 or 1"}};
  for (const auto& [task, row, expected] : cases) {
    write_file_atomic(file, row);
    const std::string message = refusal([&] { read_rows({&find_task(task), file}, {}, 0); });
    EXPECT_NE(message.find(expected), std::string::npos) << task << ": " << message;
    EXPECT_NE(message.find("task_rows.jsonl: row 0: "), std::string::npos) << message;
  }
  write_file_atomic(file, "");
  EXPECT_NE(refusal([&] {
              read_rows({&find_task("piqa"), file}, {}, 0);
            }).find("no row"),
            std::string::npos);
}

}  // namespace
}  // namespace unlearn::eval::tasks
