#include "unlearn/data/chat_marks.h"

#include <algorithm>

namespace unlearn::data {
namespace {

// <|im_start|>, <start_of_turn>, [INST], [/INST]; not </s>, which Jinja texts call eos_token.
bool is_mark(const std::string& text) {
  const std::string inner = text.substr(1, text.size() - 2);
  const auto all = [&](const char* allowed) {
    return !inner.empty() && inner.find_first_not_of(allowed) == std::string::npos;
  };
  if (text.front() == '<') return all("abcdefghijklmnopqrstuvwxyz_|");
  return all("ABCDEFGHIJKLMNOPQRSTUVWXYZ_/");
}

}  // namespace

std::vector<std::string> chat_marks(const Template& tmpl) {
  const std::string text =
      tmpl.question_start + tmpl.question_end + tmpl.answer_tag + tmpl.answer_end;
  std::vector<std::string> marks;
  for (size_t begin = text.find_first_of("<["); begin != std::string::npos;
       begin = text.find_first_of("<[", begin + 1)) {
    const size_t end = text.find(text[begin] == '<' ? '>' : ']', begin);
    if (end == std::string::npos) break;
    const std::string mark = text.substr(begin, end - begin + 1);
    const bool is_known = std::find(marks.begin(), marks.end(), mark) != marks.end();
    if (is_mark(mark) && !is_known) marks.push_back(mark);
  }
  return marks;
}

bool has_marks_of(const std::string& jinja, const Template& tmpl) {
  const std::vector<std::string> marks = chat_marks(tmpl);
  return !marks.empty() && std::all_of(marks.begin(), marks.end(), [&](const std::string& mark) {
    // Some write "<|user|>" as '<|' + role + '|>'.
    const bool is_role = mark == "<|user|>" || mark == "<|assistant|>" || mark == "<|system|>";
    return jinja.find(mark) != std::string::npos ||
           (is_role && jinja.find("<|' + ") != std::string::npos);
  });
}

std::vector<std::string> templates_like(const std::string& jinja) {
  std::vector<std::string> names;
  for (const std::string& name : template_names()) {
    if (has_marks_of(jinja, named_template(name))) names.push_back(name);
  }
  return names;
}

}  // namespace unlearn::data
