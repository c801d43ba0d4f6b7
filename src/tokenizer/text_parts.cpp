#include "tokenizer/text_parts.h"

#include "tokenizer/unicode.h"

namespace unlearn::tokenizer {
namespace {

std::vector<TextPart> find_tokens(std::string_view text, const Matcher& matcher) {
  std::vector<TextPart> parts;
  size_t done = 0;
  Matcher::Match match;
  while (matcher.next(text, done, match)) {
    if (done < match.span.begin) {
      parts.push_back({std::string(text.substr(done, match.span.begin - done)), -1});
    }
    const auto length = match.span.end - match.span.begin;
    parts.push_back({std::string(text.substr(match.span.begin, length)), match.value});
    done = match.span.end;
  }
  if (done < text.size()) parts.push_back({std::string(text.substr(done)), -1});
  return parts;
}

}  // namespace

std::vector<TextPart> cut_at_tokens(std::string_view text, const Matcher& matcher,
                                    const std::map<int32_t, AddedToken>& tokens) {
  std::vector<TextPart> parts = find_tokens(text, matcher);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].id < 0) continue;
    const AddedToken& token = tokens.at(parts[i].id);
    if (token.rstrip && i + 1 < parts.size() && parts[i + 1].id < 0) {
      parts[i + 1].text.erase(0, leading_whitespace(parts[i + 1].text));
    }
    if (token.lstrip && i > 0 && parts[i - 1].id < 0) {
      std::string& left = parts[i - 1].text;
      left.resize(left.size() - trailing_whitespace(left));
    }
  }
  return parts;
}

}  // namespace unlearn::tokenizer
