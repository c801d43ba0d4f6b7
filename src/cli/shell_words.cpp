#include "cli/shell_words.h"

#include "unlearn/core/error.h"

namespace unlearn::cli {

std::vector<std::string> shell_words(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  bool is_open = false;  // a word may be empty quotes
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      const char next = text[++i];
      // Within double quotes a backslash stays unless it protects one of these.
      if (quote == '"' && next != '"' && next != '\\' && next != '$' && next != '\n') word += c;
      if (next != '\n') word += next;
      is_open = is_open || next != '\n';
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
      is_open = true;
    } else if (quote == 0 && (c == ' ' || c == '\t' || c == '\n')) {
      if (is_open) words.push_back(word);
      word.clear();
      is_open = false;
    } else {
      word += c;
      is_open = true;
    }
  }
  if (quote != 0) user_error("the command line: a quote is not closed");
  if (is_open) words.push_back(word);
  return words;
}

std::string in_quotes(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

std::string shell_quoted(const std::string& text) {
  constexpr const char* kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=,:+@%";
  const bool is_plain = !text.empty() && text.find_first_not_of(kPlain) == std::string::npos;
  return is_plain ? text : in_quotes(text);
}

}  // namespace unlearn::cli
