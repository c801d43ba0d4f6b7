// PIQA (arXiv 1911.11641): which of two ways reaches a goal.
#include "eval/tasks/fields.h"
#include "eval/tasks/forms.h"

namespace unlearn::eval::tasks {
namespace {

TaskRow read_piqa(const Json& row, const TaskTexts&) {
  return answers_row(cat("Question: ", text_of(row, "goal"), "\nAnswer:"),
                     {text_of(row, "sol1"), text_of(row, "sol2")}, index_of(row, "label", 2));
}

}  // namespace

Task task_piqa() {
  return {"piqa", "which of two ways reaches a goal (validation split)", "goal, sol1, sol2, label",
          read_piqa, both_accuracies()};
}

}  // namespace unlearn::eval::tasks
