// Tasks read, asked and put into a report, alone or beside a benchmark.
#include <algorithm>
#include <cmath>

#include "eval/tasks/forms.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/eval/tasks.h"
#include "unlearn/metrics/or_null.h"

namespace unlearn::eval::tasks {
namespace {

namespace fs = std::filesystem;

// A text file as it stands, without line ends behind it.
std::string prompt_of(const EvalConfig& config, const Task& task) {
  const std::string& file = config.truthfulqa_prompt;
  const char* what =
      "a text file with the six questions and answers that stand before each of TruthfulQA's "
      "(docs/evaluation.md says where they are)";
  if (file.empty()) {
    user_error("eval.tasks.", task.name, ": needs eval.tasks.truthfulqa_prompt, ", what);
  }
  if (!fs::is_regular_file(file)) {
    user_error("eval.tasks.truthfulqa_prompt: ", file, " is not there; give ", what);
  }
  std::string text = read_file(file);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (trim(text).empty()) user_error("eval.tasks.truthfulqa_prompt: ", file, " is empty");
  return text;
}

// What a report keeps of a row beside its score.
Json details_of(const Task& task, const TaskMetric& metric, const TaskRow& row,
                const AnsweredRow& answered) {
  Json details = Json::object();
  if (!row.subject.empty()) details["subject"] = row.subject;
  if (&metric != task.metrics.data()) {  // the first one's hold the rest
    if (!row.lengths.empty()) details["characters"] = row.lengths;
    return details;
  }
  details["logp"] = answered.logp;
  const auto right = std::count(row.right.begin(), row.right.end(), uint8_t{1});
  if (right == 1) {
    details["answer"] =
        std::find(row.right.begin(), row.right.end(), uint8_t{1}) - row.right.begin();
  } else {
    details["right"] = row.right;
  }
  return details;
}

}  // namespace

std::vector<TaskFile> task_files(const EvalConfig& config) {
  std::vector<TaskFile> files;
  for (const Task& task : registered_tasks()) {
    const auto named = config.tasks.find(task.name);
    if (named == config.tasks.end() || named->second.empty()) continue;
    if (!fs::is_regular_file(named->second)) {
      user_error("eval.tasks.", task.name, ": ", named->second,
                 " is not there; give a JSONL file (", task.fields, ")");
    }
    files.push_back({&task, named->second});
  }
  return files;
}

std::vector<std::pair<int64_t, TaskRow>> read_rows(const TaskFile& file, const TaskTexts& texts,
                                                   int64_t most) {
  std::vector<std::pair<int64_t, TaskRow>> rows;
  for_each_json_row(file.file, [&](int64_t number, const Json& value) {
    TaskRow row = file.task->read(value, texts);
    if (most == 0 || static_cast<int64_t>(rows.size()) < most) {
      rows.emplace_back(number, std::move(row));
    }
  });
  if (rows.empty()) user_error(file.file.string(), ": holds no row");
  return rows;
}

std::vector<std::string> TaskEvaluation::headline() const {
  std::vector<std::string> keys;
  for (const TaskFile& file : files_) {
    for (const std::string& key : report_keys(*file.task)) keys.push_back(key);
  }
  return keys;
}

void TaskEvaluation::plan(Plan& own, Plan&) {
  for (const TaskFile& file : files_) {
    TaskTexts texts;
    if (file.task->needs_prompt) texts.truthfulqa_prompt = prompt_of(inputs_.config, *file.task);
    std::vector<PlannedRow>& rows = rows_.emplace_back();
    for (auto& [number, row] : read_rows(file, texts, most_)) {
      try {
        PlannedContinuations planned =
            plan_continuations(row.choices, inputs_, own, file.task->asks_greedy);
        rows.push_back({number, std::move(row), std::move(planned)});
      } catch (const UserError& error) {
        user_error(file.file.string(), ": row ", number, ": ", error.what());
      }
    }
  }
}

Outcome TaskEvaluation::assemble(const Results& own, const Results&) const {
  Outcome outcome;
  for (size_t t = 0; t < files_.size(); ++t) {
    const Task& task = *files_[t].task;
    for (const TaskMetric& metric : task.metrics) {
      const std::string key = cat(task.name, "_", metric.name);
      Json rows = Json::object();
      double sum = 0;
      bool is_finite = true;
      for (const PlannedRow& item : rows_[t]) {
        AnsweredRow answered{log_likelihoods(item.planned, own), {}};
        if (task.asks_greedy) answered.greedy = greedy_matches(item.planned, own);
        const std::optional<double> value = metric.of_row(item.row, answered);
        Json& row = rows[std::to_string(item.number)] =
            details_of(task, metric, item.row, answered);
        row[metric.of_mean == nullptr ? "score" : "loss"] = metrics::or_null(value);
        is_finite = is_finite && value.has_value();
        sum += value.value_or(0);
      }
      metrics::MetricResult& result = outcome.evaluation.metrics[key];
      result.details["value_by_index"] = std::move(rows);
      if (is_finite) {
        const double mean = sum / static_cast<double>(rows_[t].size());
        result.value = metric.of_mean == nullptr ? mean : metric.of_mean(mean);
      } else {
        outcome.evaluation.warnings.push_back(cat(key, " is null: its value is not finite"));
      }
    }
  }
  return outcome;
}

namespace {

class WithTasks : public BenchmarkEvaluation {
 public:
  WithTasks(std::unique_ptr<BenchmarkEvaluation> evaluation, const EvaluationInputs& inputs)
      : evaluation_(std::move(evaluation)),
        tasks_(inputs, task_files(inputs.config), inputs.config.tasks_rows) {}

  std::string file_prefix() const override { return evaluation_->file_prefix(); }
  std::vector<std::string> headline() const override {
    std::vector<std::string> all = evaluation_->headline();
    for (std::string& key : tasks_.headline()) all.push_back(std::move(key));
    return all;
  }
  void plan(Plan& own, Plan& reference) override {
    evaluation_->plan(own, reference);
    tasks_.plan(own, reference);
  }
  Outcome assemble(const Results& own, const Results& reference) const override {
    Outcome outcome = evaluation_->assemble(own, reference);
    Outcome tasks = tasks_.assemble(own, reference);
    for (auto& [key, metric] : tasks.evaluation.metrics) {
      const bool is_new = outcome.evaluation.metrics.emplace(key, std::move(metric)).second;
      UNLEARN_CHECK(is_new, key);
    }
    for (std::string& warning : tasks.evaluation.warnings) {
      outcome.evaluation.warnings.push_back(std::move(warning));
    }
    return outcome;
  }

 private:
  std::unique_ptr<BenchmarkEvaluation> evaluation_;
  TaskEvaluation tasks_;
};

}  // namespace

std::unique_ptr<BenchmarkEvaluation> with_tasks(std::unique_ptr<BenchmarkEvaluation> evaluation,
                                                const EvaluationInputs& inputs) {
  const bool has_tasks = std::any_of(inputs.config.tasks.begin(), inputs.config.tasks.end(),
                                     [](const auto& named) { return !named.second.empty(); });
  if (!has_tasks) return evaluation;
  return std::make_unique<WithTasks>(std::move(evaluation), inputs);
}

std::optional<double> mean_of_tasks(const metrics::EvalReport& report) {
  double sum = 0;
  int64_t count = 0;
  for (const Task& task : registered_tasks()) {
    for (const TaskMetric& metric : task.metrics) {
      if (!metric.is_utility) continue;
      const auto found = report.find(cat(task.name, "_", metric.name));
      if (found == report.end()) continue;
      sum += found->second.value.value_or(std::nan(""));
      ++count;
    }
  }
  if (count == 0) return std::nullopt;
  return sum / static_cast<double>(count);
}

}  // namespace unlearn::eval::tasks
