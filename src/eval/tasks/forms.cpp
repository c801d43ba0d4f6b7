#include "eval/tasks/forms.h"

#include "eval/tasks/fields.h"
#include "unlearn/core/python_text.h"

namespace unlearn::eval::tasks {
namespace {

constexpr const char* kLetters[] = {"A", "B", "C", "D"};

}  // namespace

TaskRow answers_row(const std::string& context, const std::vector<std::string>& answers,
                    size_t right) {
  TaskRow row;
  for (const std::string& answer : answers) {
    row.choices.push_back({context, " " + answer});
    row.right.push_back(row.right.size() == right ? 1 : 0);
    row.lengths.push_back(characters_of(answer));
  }
  return row;
}

TaskRow lettered_row(const Json& row, const char* subject) {
  const std::string question = text_of(row, "question");
  std::string about = subject != nullptr ? subject : text_of(row, "subject");
  if (trim(question).empty()) user_error("field 'question' is empty");
  if (trim(about).empty()) user_error("field 'subject' is empty");
  std::replace(about.begin(), about.end(), '_', ' ');
  const auto choices = row.find("choices");
  std::vector<std::string> texts;
  if (choices != row.end() && choices->is_array()) {
    for (const Json& choice : *choices) {
      if (choice.is_string()) texts.push_back(choice.get<std::string>());
    }
  }
  if (texts.size() != std::size(kLetters) || choices->size() != texts.size()) {
    user_error("field 'choices' must be a list of four texts");
  }
  if (!row.contains("answer")) user_error("no field 'answer'");
  if (!row["answer"].is_number_integer() || row["answer"] < 0 || row["answer"] > 3) {
    user_error("field 'answer' must be 0, 1, 2 or 3");
  }
  std::string prompt = cat("The following are multiple choice questions (with answers) about ",
                           about, ".\n\n", python_strip(question));
  for (size_t i = 0; i < texts.size(); ++i) prompt += cat("\n", kLetters[i], ". ", texts[i]);
  TaskRow result = answers_row(prompt + "\nAnswer:", {kLetters, kLetters + std::size(kLetters)},
                               row["answer"].get<size_t>());
  result.subject = about;
  return result;
}

}  // namespace unlearn::eval::tasks
