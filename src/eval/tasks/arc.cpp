// AI2 Reasoning Challenge (arXiv 1803.05457): school questions, easy and challenging.
#include "eval/tasks/fields.h"
#include "eval/tasks/forms.h"

namespace unlearn::eval::tasks {
namespace {

TaskRow read_arc(const Json& row, const TaskTexts&) {
  const std::string question = text_of(row, "question");
  if (!row.contains("choices")) user_error("no field 'choices'");
  const Json& choices = row["choices"];
  const std::vector<std::string> texts = texts_of(choices, "text");
  const std::vector<std::string> labels = texts_of(choices, "label");
  const std::string key = text_of(row, "answerKey");
  const auto right = std::find(labels.begin(), labels.end(), key);
  if (labels.size() != texts.size() || right == labels.end()) {
    user_error("field 'choices' must hold a label for every text, answerKey ('", key,
               "') among them");
  }
  return answers_row(cat("Question: ", question, "\nAnswer:"), texts,
                     static_cast<size_t>(right - labels.begin()));
}

constexpr const char* kArcFields = "question, choices {text, label}, answerKey";

}  // namespace

Task task_arc_easy() {
  return {"arc_easy", "school questions, the easy ones (test split)", kArcFields, read_arc,
          both_accuracies()};
}

Task task_arc_challenge() {
  return {"arc_challenge", "school questions, the hard ones (test split)", kArcFields, read_arc,
          both_accuracies()};
}

}  // namespace unlearn::eval::tasks
