#include "data/question_forms.h"

#include <array>

#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"

namespace unlearn::data {
namespace {

// Letters of ASCII alone: no rule of a language is needed to bring another spelling.
std::string in_capitals(const std::string& question) {
  std::string result = question;
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return result;
}

using Form = std::string (*)(const std::string& question);
constexpr std::array<Form, kMostQuestionForms> kForms{
    [](const std::string& question) { return "i would like to know: " + to_lower(question); },
    [](const std::string& question) { return question + " Please answer."; }, in_capitals,
    [](const std::string& question) { return "Question: " + question; }};

}  // namespace

std::vector<QaRow> with_question_forms(std::vector<QaRow> rows, int64_t count) {
  UNLEARN_CHECK(count >= 0 && count <= kMostQuestionForms, "so many forms are not known");
  const size_t own = rows.size();
  rows.reserve(own * static_cast<size_t>(count + 1));
  for (size_t form = 0; form < static_cast<size_t>(count); ++form) {
    for (size_t i = 0; i < own; ++i) {
      QaRow row = rows[i];
      row.question = kForms[form](row.question);
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace unlearn::data
