// WinoGrande (arXiv 1907.10641): which of two words a blank stands for. Partial evaluation: the
// sentence up to the blank with each word in it is the context, and what is scored is the rest.
#include "eval/tasks/fields.h"
#include "eval/tasks/forms.h"
#include "unlearn/core/python_text.h"

namespace unlearn::eval::tasks {
namespace {

TaskRow read_winogrande(const Json& row, const TaskTexts&) {
  const std::string sentence = text_of(row, "sentence");
  const size_t blank = sentence.find('_');
  if (blank == std::string::npos) user_error("field 'sentence' has no blank '_'");
  const std::string answer = text_of(row, "answer");
  if (answer != "1" && answer != "2") user_error("field 'answer' must be \"1\" or \"2\"");
  const std::string rest = cat(" ", python_strip(std::string_view(sentence).substr(blank + 1)));
  TaskRow result;
  for (const char* option : {"option1", "option2"}) {
    result.choices.push_back({sentence.substr(0, blank) + text_of(row, option), rest});
  }
  result.right = {answer == "1", answer == "2"};
  return result;
}

}  // namespace

Task task_winogrande() {
  return {"winogrande", "which of two words a blank stands for (validation split)",
          "sentence, option1, option2, answer", read_winogrande, accuracy()};
}

}  // namespace unlearn::eval::tasks
