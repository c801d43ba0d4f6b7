#include <algorithm>
#include <cmath>

#include "unlearn/core/error.h"
#include "unlearn/eval/tasks.h"

namespace unlearn::eval::tasks {

#define TASK(name) Task task_##name();
#include "eval/tasks/tasks.def"
#undef TASK

const std::vector<Task>& registered_tasks() {
  static const std::vector<Task> tasks = {
#define TASK(name) task_##name(),
#include "eval/tasks/tasks.def"
#undef TASK
  };
  return tasks;
}

const Task& find_task(const std::string& name) {
  const auto& tasks = registered_tasks();
  const auto found =
      std::find_if(tasks.begin(), tasks.end(), [&](const Task& task) { return task.name == name; });
  UNLEARN_CHECK(found != tasks.end(), name);
  return *found;
}

std::vector<std::string> report_keys(const Task& task) {
  std::vector<std::string> keys;
  for (const TaskMetric& metric : task.metrics) keys.push_back(cat(task.name, "_", metric.name));
  return keys;
}

namespace {

std::optional<double> is_likeliest_right(const TaskRow& row, std::vector<double> values) {
  if (std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); })) {
    return std::nullopt;
  }
  const auto best = std::max_element(values.begin(), values.end()) - values.begin();
  return row.right[static_cast<size_t>(best)] != 0 ? 1.0 : 0.0;
}

std::optional<double> by_sum(const TaskRow& row, const AnsweredRow& answered) {
  return is_likeliest_right(row, answered.logp);
}

std::optional<double> by_character(const TaskRow& row, const AnsweredRow& answered) {
  std::vector<double> values = answered.logp;
  for (size_t i = 0; i < values.size(); ++i) values[i] /= static_cast<double>(row.lengths[i]);
  return is_likeliest_right(row, std::move(values));
}

}  // namespace

std::vector<TaskMetric> accuracy(bool is_utility) { return {{"acc", by_sum, nullptr, is_utility}}; }

std::vector<TaskMetric> both_accuracies() {
  return {{"acc", by_sum, nullptr, false}, {"acc_norm", by_character, nullptr, true}};
}

}  // namespace unlearn::eval::tasks
