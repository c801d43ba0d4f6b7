#include "tokenizer/pattern.h"

#include "tokenizer/growth.h"
#include "unlearn/core/error.h"

namespace unlearn::tokenizer {

std::vector<Span> Pattern::find_all(std::string_view text) const {
  if (regex_) return regex_->find_all(text);
  std::vector<Span> found;
  for (size_t at = text.find(literal_); at != std::string_view::npos;
       at = text.find(literal_, at + literal_.size())) {
    found.push_back({at, at + literal_.size()});
  }
  return found;
}

std::string Pattern::replace_all(std::string_view text, std::string_view content,
                                 const std::string& where) const {
  const std::vector<Span> matches = find_all(text);
  check_growth(matches.size() * content.size(), text.size(), where);
  std::string out;
  out.reserve(text.size());
  size_t begin = 0;
  for (const Span& match : matches) {
    out += text.substr(begin, match.begin - begin);
    out += content;
    begin = match.end;
  }
  out += text.substr(begin);
  return out;
}

Pattern make_pattern(const Fields& fields) {
  const Fields pattern = fields.child("pattern");
  pattern.only({"String", "Regex"});
  if (pattern.find("Regex") == nullptr) {
    std::string literal = pattern.text("String");
    if (literal.empty()) user_error(pattern.where, ": must not be empty");
    return Pattern(std::move(literal));
  }
  if (fields.text_or("content", "").find('$') != std::string::npos) {
    user_error(fields.where, ": group references ($) in 'content' are not supported");
  }
  return Pattern(Regex(pattern.text("Regex"), pattern.where));
}

}  // namespace unlearn::tokenizer
