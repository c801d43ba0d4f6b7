// TruthfulQA (arXiv 2109.07958), multiple choice: a true answer among common misconceptions. Its
// questions stand after six others with their answers, which are that data set's own: they are read
// from a file (eval.tasks.truthfulqa_prompt).
#include <cmath>

#include "eval/tasks/fields.h"
#include "eval/tasks/forms.h"

namespace unlearn::eval::tasks {
namespace {

TaskRow read_targets(const Json& row, const TaskTexts& texts, const char* key) {
  const std::string context =
      cat(texts.truthfulqa_prompt, "\n\nQ: ", text_of(row, "question"), "\nA:");
  if (!row.contains(key)) user_error("no field '", key, "'");
  const Json& targets = row[key];
  TaskRow result = answers_row(context, texts_of(targets, "choices"), 0);
  const Json labels = targets.value("labels", Json());
  const bool fits = labels.is_array() && labels.size() == result.choices.size() &&
                    std::all_of(labels.begin(), labels.end(),
                                [](const Json& label) { return label == 0 || label == 1; });
  if (!fits) user_error("field '", key, "' must hold a label, 0 or 1, for every choice");
  for (size_t i = 0; i < labels.size(); ++i) result.right[i] = labels[i] == 1 ? 1 : 0;
  return result;
}

TaskRow read_mc1(const Json& row, const TaskTexts& texts) {
  TaskRow result = read_targets(row, texts, "mc1_targets");
  if (result.right.front() != 1) user_error("field 'mc1_targets': the first choice must be true");
  return result;
}

TaskRow read_mc2(const Json& row, const TaskTexts& texts) {
  return read_targets(row, texts, "mc2_targets");
}

// The share of the true answers in the probability of all of them.
std::optional<double> true_mass(const TaskRow& row, const AnsweredRow& answered) {
  double mass = 0, all = 0;
  for (size_t i = 0; i < answered.logp.size(); ++i) {
    const double p = std::exp(answered.logp[i]);
    all += p;
    if (row.right[i] != 0) mass += p;
  }
  if (!std::isfinite(all) || all <= 0) return std::nullopt;
  return mass / all;
}

Task truthfulqa(const char* name, const char* help, const char* fields,
                TaskRow (*read)(const Json&, const TaskTexts&), std::vector<TaskMetric> metrics) {
  Task task{name, help, fields, read, std::move(metrics)};
  task.needs_prompt = true;
  return task;
}

}  // namespace

Task task_truthfulqa_mc1() {
  return truthfulqa("truthfulqa_mc1", "the one true answer among misconceptions",
                    "question, mc1_targets {choices, labels}", read_mc1, accuracy());
}

Task task_truthfulqa_mc2() {
  return truthfulqa("truthfulqa_mc2", "share of true answers in the probability of all answers",
                    "question, mc2_targets {choices, labels}", read_mc2,
                    {{"acc", true_mass, nullptr, /*is_utility=*/true}});
}

}  // namespace unlearn::eval::tasks
