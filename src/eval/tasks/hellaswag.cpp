// HellaSwag (arXiv 1905.07830): how a described scene goes on.
#include "eval/tasks/fields.h"
#include "eval/tasks/forms.h"
#include "unlearn/core/python_text.h"
#include "unlearn/tokenizer/lower_case.h"

namespace unlearn::eval::tasks {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// Without the marks that one of the data set's sources left in it: " [title]" is a full stop, other
// brackets go with what is in them unless that holds a line break.
std::string without_marks(const std::string& text) {
  std::string clean(python_strip(text));
  replace_all(clean, " [title]", ". ");
  for (size_t open = clean.find('['); open != std::string::npos; open = clean.find('[', open)) {
    const size_t close = clean.find(']', open);
    if (close == std::string::npos) break;
    if (clean.find('\n', open) < close) {
      ++open;
    } else {
      clean.erase(open, close + 1 - open);
    }
  }
  replace_all(clean, "  ", " ");
  return clean;
}

TaskRow read_hellaswag(const Json& row, const TaskTexts&) {
  const std::string scene = cat(text_of(row, "activity_label"), ": ", text_of(row, "ctx_a"), " ",
                                tokenizer::capitalized(text_of(row, "ctx_b")));
  std::vector<std::string> endings = texts_of(row, "endings");
  for (std::string& ending : endings) ending = without_marks(ending);
  return answers_row(without_marks(scene), endings, index_of(row, "label", endings.size()));
}

}  // namespace

Task task_hellaswag() {
  return {"hellaswag", "how a described scene goes on (validation split)",
          "activity_label, ctx_a, ctx_b, endings, label", read_hellaswag, both_accuracies()};
}

}  // namespace unlearn::eval::tasks
