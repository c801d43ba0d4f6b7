// Utility tasks against lm-evaluation-harness itself (scripts/goldens/tasks.py).
#include <gtest/gtest.h>

#include "test_folder.h"
#include "unlearn/benchmarks/benchmark.h"
#include "unlearn/core/error.h"
#include "unlearn/core/json.h"
#include "unlearn/eval/tasks.h"

namespace unlearn::benchmarks {
namespace {
namespace fs = std::filesystem;

const fs::path kTaskRows = fs::path(UNLEARN_TEST_DIR) / "data_fixtures/tasks";
const fs::path kTaskModel = UNLEARN_SOURCE_DIR "/data/tiny";

class TaskRun {
 public:
  eval::EvalConfig config;
  data::DataConfig data;

  eval::Outcome of(const std::string& benchmark) const {
    const auto tokenizer = tokenizer::load_tokenizer(kTaskModel);
    const data::Template prompt_template = data::named_template("phi");
    const eval::EvaluationInputs inputs{*tokenizer, prompt_template, data, config,
                                        1280,       "llama",         512};
    const auto evaluation = make_evaluation(benchmark, inputs);
    const auto model = model::load_model(kTaskModel, torch::kFloat32, torch::kCPU);
    eval::EvaluationRun run;
    run.model = [&]() -> model::CausalLM& { return *model; };
    return eval::run_evaluation(*evaluation, inputs, run);
  }
};

TEST(GoldenTasks, EqualTheHarness) {
  const Json expected = read_json(fs::path(UNLEARN_TEST_DIR) / "golden/eval/tasks.json");
  TaskRun run;
  run.data.root = kTaskRows.string();
  run.config.truthfulqa_prompt = (kTaskRows / "truthfulqa_prompt.txt").string();
  const eval::Outcome outcome = run.of("tasks");
  EXPECT_EQ(outcome.evaluation.warnings, std::vector<std::string>());
  size_t metrics = 0;
  for (const auto& [task, wanted] : expected.items()) {
    for (const auto& [metric, value] : wanted["metrics"].items()) {
      const auto found = outcome.evaluation.metrics.find(cat(task, "_", metric));
      ASSERT_NE(found, outcome.evaluation.metrics.end()) << task << " " << metric;
      const double number = value.get<double>();
      EXPECT_NEAR(found->second.value.value(), number, 1e-4 * std::max(1.0, number))
          << task << " " << metric;
      ++metrics;
    }
    const Json& rows = outcome.evaluation.metrics.at(task + "_acc").details.at("value_by_index");
    ASSERT_EQ(rows.size(), wanted["logp"].size()) << task;
    for (size_t i = 0; i < rows.size(); ++i) {
      const Json& logp = rows.at(std::to_string(i)).at("logp");
      ASSERT_EQ(logp.size(), wanted["logp"][i].size()) << task;
      for (size_t choice = 0; choice < logp.size(); ++choice) {
        EXPECT_NEAR(logp[choice].get<double>(), wanted["logp"][i][choice].get<double>(), 1e-4)
            << task << " row " << i << " choice " << choice;
      }
    }
  }
  EXPECT_EQ(metrics, outcome.evaluation.metrics.size());
}

TEST(TasksBenchmark, StandBesideABenchmark) {
  TaskRun run;
  run.data.root = (fs::path(UNLEARN_TEST_DIR) / "data_fixtures/wmdp").string();
  run.config.tasks["piqa"] = (kTaskRows / "piqa.jsonl").string();
  run.config.tasks_rows = 2;
  const eval::Outcome outcome = run.of("wmdp");
  EXPECT_EQ(outcome.evaluation.metrics.at("piqa_acc").details.at("value_by_index").size(), 2U);
  EXPECT_TRUE(outcome.evaluation.metrics.at("wmdp_bio_acc").value);
  // What is to be forgotten, and MMLU, count as shares of right answers only where they should.
  const double mmlu = *outcome.evaluation.metrics.at("mmlu_acc").value;
  const double piqa = *outcome.evaluation.metrics.at("piqa_acc_norm").value;
  EXPECT_DOUBLE_EQ(*eval::tasks::mean_of_tasks(outcome.evaluation.metrics), (mmlu + piqa) / 2);
}

TEST(TasksBenchmark, IsRefusedByName) {
  TaskRun run;
  EXPECT_NE(refusal([&] { run.of("tasks"); }).find("no tasks: name files"), std::string::npos);
  run.config.tasks["piqa"] = "nowhere.jsonl";
  EXPECT_NE(refusal([&] { run.of("tasks"); }).find("eval.tasks.piqa: nowhere.jsonl is not there"),
            std::string::npos);
  run.config.tasks.clear();
  run.config.tasks["truthfulqa_mc1"] = (kTaskRows / "truthfulqa_mc1.jsonl").string();
  EXPECT_NE(refusal([&] { run.of("tasks"); }).find("needs eval.tasks.truthfulqa_prompt"),
            std::string::npos);
  run.config.tasks.clear();
  run.config.tasks["mmlu"] = (kTaskRows / "mmlu.jsonl").string();
  run.data.root = (fs::path(UNLEARN_TEST_DIR) / "data_fixtures/wmdp").string();
  EXPECT_NE(refusal([&] { run.of("wmdp"); }).find("reports mmlu_acc itself"), std::string::npos);
}

}  // namespace
}  // namespace unlearn::benchmarks
