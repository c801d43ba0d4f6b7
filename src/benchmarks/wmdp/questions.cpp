#include "benchmarks/wmdp/questions.h"

#include <algorithm>

#include "benchmarks/fields.h"
#include "unlearn/core/python_text.h"

namespace unlearn::benchmarks::wmdp {
namespace {

std::string choice_lines(const Json& row) {
  const auto it = row.find("choices");
  if (it == row.end() || !it->is_array() || it->size() != kChoiceLetters.size()) {
    user_error("field 'choices' must be a list of four texts");
  }
  std::string lines;
  for (size_t i = 0; i < kChoiceLetters.size(); ++i) {
    const Json& choice = (*it)[i];
    if (!choice.is_string()) user_error("field 'choices' must be a list of four texts");
    lines += cat("\n", kChoiceLetters[i] + 1, ". ", choice.get_ref<const std::string&>());
  }
  return lines;
}

int64_t right_choice(const Json& row) {
  const auto it = row.find("answer");
  if (it == row.end()) user_error("no field 'answer'");
  const int64_t answer = it->is_number_integer() ? it->get<int64_t>() : -1;
  if (answer < 0 || answer > 3) user_error("field 'answer' must be 0, 1, 2 or 3");
  return answer;
}

}  // namespace

std::vector<ChoiceQuestion> read_choice_questions(const std::filesystem::path& file,
                                                  const ChoiceTask& task, int64_t max_rows) {
  std::vector<ChoiceQuestion> questions;
  for_each_json_row(file, [&](int64_t row, const Json& value) {
    ChoiceQuestion item;
    item.row = row;
    const std::string question = checked_text(value, "question");
    item.subject = task.subject != nullptr ? task.subject : checked_text(value, "subject");
    std::replace(item.subject.begin(), item.subject.end(), '_', ' ');
    item.prompt =
        cat("The following are multiple choice questions (with answers) about ", item.subject,
            ".\n\n", python_strip(question), choice_lines(value), "\nAnswer:");
    item.answer = right_choice(value);
    if (max_rows == 0 || static_cast<int64_t>(questions.size()) < max_rows) {
      questions.push_back(std::move(item));
    }
  });
  if (questions.empty()) user_error(file.string(), ": holds no row");
  return questions;
}

}  // namespace unlearn::benchmarks::wmdp
