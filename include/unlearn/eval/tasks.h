// Utility tasks from local JSONL, posed without examples and scored by log-likelihood as
// lm-evaluation-harness 0.4.8 does it. A task is a function in src/eval/tasks/*.cpp and a line
// TASK(name) in tasks.def; any evaluation reports those that eval.tasks names files for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/core/json.h"
#include "unlearn/eval/evaluation.h"
#include "unlearn/eval/harness.h"

namespace unlearn::eval::tasks {

// One row as the model gets it, and what is right.
struct TaskRow {
  std::vector<Continuation> choices;  // a single one where it is only whether the model says it
  std::vector<uint8_t> right = {};    // per choice; several: of equal standing (TruthfulQA's mc2)
  std::vector<int64_t> lengths = {};  // characters of each choice without the space before it
  std::string subject = {};
};

// What the model made of a row.
struct AnsweredRow {
  std::vector<double> logp;  // of each choice
  std::vector<bool> greedy;  // whether it is what greedy decoding says; only where a task asks
};

struct TaskMetric {
  std::string name;  // the harness's: "acc"; in reports "<task>_acc"
  // Of one row; none where a diverged model's numbers say nothing.
  std::optional<double> (*of_row)(const TaskRow& row, const AnsweredRow& answered);
  // What is reported, of the mean over rows; null: the mean.
  double (*of_mean)(double mean) = nullptr;
  // A share of right answers that says what is kept: the mean over tasks is made of these.
  bool is_utility = false;
};

// What a task reads besides its rows.
struct TaskTexts {
  std::string truthfulqa_prompt;
};

struct Task {
  std::string name;    // the harness's: "arc_easy"
  std::string help;    // one line
  std::string fields;  // of a row, as the data set on the Hugging Face hub names them
  // UserError for what is wrong with a row.
  TaskRow (*read)(const Json& row, const TaskTexts& texts) = nullptr;
  std::vector<TaskMetric> metrics;
  bool asks_greedy = false;
  bool needs_prompt = false;  // eval.tasks.truthfulqa_prompt
};

// In the order of tasks.def.
const std::vector<Task>& registered_tasks();
const Task& find_task(const std::string& name);

// The right one is likeliest, the first of equals; by log-likelihood per character for acc_norm.
std::vector<TaskMetric> accuracy(bool is_utility = true);
std::vector<TaskMetric> both_accuracies();

// The keys of its metrics in a report: "arc_easy_acc", "arc_easy_acc_norm".
std::vector<std::string> report_keys(const Task& task);

struct TaskFile {
  const Task* task;
  std::filesystem::path file;
};
// Those that eval.tasks names, in the order of tasks.def.
std::vector<TaskFile> task_files(const EvalConfig& config);

// Rows of a task's file with their numbers; `most` (0: all) are kept, all are checked. UserError
// "<file>: row <n>: …".
std::vector<std::pair<int64_t, TaskRow>> read_rows(const TaskFile& file, const TaskTexts& texts,
                                                   int64_t most);

// The tasks as an evaluation with nothing beside them.
class TaskEvaluation : public BenchmarkEvaluation {
 public:
  // Asks at most `rows` (0: all) of each file, the first ones.
  TaskEvaluation(const EvaluationInputs& inputs, std::vector<TaskFile> files, int64_t rows)
      : inputs_(inputs), files_(std::move(files)), most_(rows) {}

  std::string file_prefix() const override { return "TASKS"; }
  std::vector<std::string> headline() const override;
  void plan(Plan& own, Plan& reference) override;
  Outcome assemble(const Results& own, const Results& reference) const override;

 private:
  struct PlannedRow {
    int64_t number = 0;
    TaskRow row;
    PlannedContinuations planned;
  };
  EvaluationInputs inputs_;
  std::vector<TaskFile> files_;
  int64_t most_ = 0;
  std::vector<std::vector<PlannedRow>> rows_;  // like files_
};

// An evaluation that reports the tasks of eval.tasks beside its own metrics; `evaluation` itself
// where there are none.
std::unique_ptr<BenchmarkEvaluation> with_tasks(std::unique_ptr<BenchmarkEvaluation> evaluation,
                                                const EvaluationInputs& inputs);

// Mean of the tasks' shares of right answers; none without a task.
std::optional<double> mean_of_tasks(const metrics::EvalReport& report);

}  // namespace unlearn::eval::tasks
