// BoolQ (arXiv 1905.10044), as in SuperGLUE: yes or no after a passage.
#include "eval/tasks/fields.h"
#include "eval/tasks/forms.h"

namespace unlearn::eval::tasks {
namespace {

TaskRow read_boolq(const Json& row, const TaskTexts&) {
  return answers_row(
      cat(text_of(row, "passage"), "\nQuestion: ", text_of(row, "question"), "?\nAnswer:"),
      {"no", "yes"}, index_of(row, "label", 2));
}

}  // namespace

Task task_boolq() {
  return {"boolq", "yes or no after a passage (SuperGLUE's validation split)",
          "passage, question, label", read_boolq, accuracy()};
}

}  // namespace unlearn::eval::tasks
