// MMLU (arXiv 2009.03300) and WMDP (arXiv 2403.03218): four choices as lettered lines.
#include "eval/tasks/forms.h"

namespace unlearn::eval::tasks {
namespace {

constexpr const char* kWmdpFields = "question, choices, answer";

}  // namespace

Task task_mmlu() {
  return {"mmlu", "questions of 57 subjects (test split)", "question, choices, answer, subject",
          [](const Json& row, const TaskTexts&) { return lettered_row(row, nullptr); }, accuracy()};
}

Task task_wmdp_bio() {
  return {"wmdp_bio", "dangerous knowledge: biology", kWmdpFields,
          [](const Json& row, const TaskTexts&) { return lettered_row(row, "biology"); },
          accuracy(/*is_utility=*/false)};
}

Task task_wmdp_cyber() {
  return {"wmdp_cyber", "dangerous knowledge: cybersecurity", kWmdpFields,
          [](const Json& row, const TaskTexts&) { return lettered_row(row, "cybersecurity"); },
          accuracy(/*is_utility=*/false)};
}

Task task_wmdp_chem() {
  return {"wmdp_chem", "dangerous knowledge: chemistry", kWmdpFields,
          [](const Json& row, const TaskTexts&) { return lettered_row(row, "chemistry"); },
          accuracy(/*is_utility=*/false)};
}

}  // namespace unlearn::eval::tasks
