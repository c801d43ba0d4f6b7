// Utility tasks by themselves (eval/tasks.h): those of eval.tasks, and <task>.jsonl of a folder.
#include "unlearn/benchmarks/benchmark.h"

#include "unlearn/core/error.h"
#include "unlearn/eval/tasks.h"
#include "unlearn/metrics/stored_metrics.h"

namespace unlearn::benchmarks::tasks {
namespace {

namespace fs = std::filesystem;
using eval::tasks::TaskFile;

constexpr const char* kFilePrefix = "TASKS";

fs::path no_file(const data::DataConfig&, const std::string&, const std::string& what) {
  user_error("data.", what, ": the benchmark tasks only measures (unlearn eval); to train, give ",
             "data.benchmark another one's name");
}

data::Split no_split(const data::SplitSource&, const fs::path& file) {
  user_error(file.string(), ": the benchmark tasks has nothing to train on");
}

// Those of the data folder; eval.tasks adds its own (eval::tasks::with_tasks).
std::vector<TaskFile> files_of(const eval::EvaluationInputs& inputs) {
  std::vector<TaskFile> files;
  const fs::path root = inputs.data.root;
  bool is_named = false;
  for (const eval::tasks::Task& task : eval::tasks::registered_tasks()) {
    const auto named = inputs.config.tasks.find(task.name);
    const bool has_file = named != inputs.config.tasks.end() && !named->second.empty();
    is_named = is_named || has_file;
    const fs::path file = root / (task.name + ".jsonl");
    if (!has_file && !root.empty() && fs::exists(file)) files.push_back({&task, file});
  }
  if (files.empty() && !is_named) {
    user_error("no tasks: name files (eval.tasks.hellaswag=FILE, …) or a folder (--data DIR) with ",
               "hellaswag.jsonl, arc_easy.jsonl, …");
  }
  return files;
}

// The tasks are chosen by their files.
eval::MetricOffer offer(const eval::EvalConfig&) { return {.own = {}, .provides = {}}; }

class TasksBenchmark : public eval::BenchmarkEvaluation {
 public:
  explicit TasksBenchmark(const eval::EvaluationInputs& inputs)
      : tasks_(inputs, files_of(inputs), inputs.config.tasks_rows) {
    if (inputs.config.splits != std::vector<std::string>{"all"}) {
      user_error("eval.splits: tasks are chosen by their files (eval.tasks)");
    }
    eval::MetricSelection(inputs.config, offer(inputs.config));  // knows no name
  }

  std::string file_prefix() const override { return kFilePrefix; }
  std::vector<std::string> headline() const override { return tasks_.headline(); }
  void plan(eval::Plan& own, eval::Plan& reference) override { tasks_.plan(own, reference); }
  eval::Outcome assemble(const eval::Results& own, const eval::Results& reference) const override {
    return tasks_.assemble(own, reference);
  }

 private:
  eval::tasks::TaskEvaluation tasks_;
};

std::unique_ptr<eval::BenchmarkEvaluation> make_evaluation(const eval::EvaluationInputs& inputs) {
  return std::make_unique<TasksBenchmark>(inputs);
}

Recomputed recompute(const StoredLogs& logs) {
  if (!logs.retain_log.empty()) {
    user_error("metrics: --retain-log: tasks compare with no retrained model");
  }
  const auto report =
      metrics::read_eval_report(metrics::eval_log_file(logs.log, kFilePrefix, "--log"));
  Recomputed result;
  metrics::add_stored_metrics(report, logs.log, nullptr, "", result.evaluation);
  return result;
}

}  // namespace

Benchmark make_benchmark() {
  return {.info = {"tasks",
                   "utility alone: HellaSwag, ARC, PIQA, WinoGrande, BoolQ, TruthfulQA, LAMBADA, "
                   "MMLU from JSONL files (eval.tasks)"},
          .layout = {.find_file = no_file, .read = no_split},
          .make_evaluation = make_evaluation,
          .offer = offer,
          .evaluated_forget = "",
          .recompute = recompute,
          .file_prefix = kFilePrefix};
}

}  // namespace unlearn::benchmarks::tasks
