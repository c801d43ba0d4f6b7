#include "jinja/lexer.h"

#include <algorithm>
#include <cctype>

#include "unlearn/core/error.h"

namespace unlearn::jinja {
namespace {

constexpr const char* kSpace = " \t\n\r\f\v";

bool starts_name(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Code point as UTF-8.
std::string utf8(uint32_t code) {
  const auto byte = [](uint32_t value) { return static_cast<char>(value); };
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xC0 | code >> 6), byte(0x80 | (code & 0x3F))};
  if (code < 0x10000) {
    return {byte(0xE0 | code >> 12), byte(0x80 | (code >> 6 & 0x3F)), byte(0x80 | (code & 0x3F))};
  }
  return {byte(0xF0 | code >> 18), byte(0x80 | (code >> 12 & 0x3F)),
          byte(0x80 | (code >> 6 & 0x3F)), byte(0x80 | (code & 0x3F))};
}

class Lexer {
 public:
  explicit Lexer(const std::string& source) {
    // jinja2 reads every newline as "\n" and drops one at the end.
    for (size_t i = 0; i < source.size(); ++i) {
      if (source[i] != '\r') {
        source_ += source[i];
      } else if (i + 1 == source.size() || source[i + 1] != '\n') {
        source_ += '\n';
      }
    }
    if (!source_.empty() && source_.back() == '\n') source_.pop_back();
  }

  std::vector<Token> run() {
    while (at_ < source_.size()) {
      const size_t tag = next_tag();
      add_text(tag);
      if (tag == std::string::npos) break;
      read_tag();
    }
    add(Token::Kind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { user_error("line ", line_, ": ", what); }

  size_t next_tag() const {
    size_t found = std::string::npos;
    for (const char* open : {"{{", "{%", "{#"}) found = std::min(found, source_.find(open, at_));
    return found;
  }

  void add(Token::Kind kind, std::string text) {
    tokens_.push_back({kind, std::move(text), line_});
  }

  void advance(size_t to) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    at_ = to;
  }

  // The text up to a tag, less the white space that the tag or the one before takes away.
  void add_text(size_t tag) {
    const size_t end = std::min(tag, source_.size());
    std::string text = source_.substr(at_, end - at_);
    bool starts_line = at_ == 0;
    if (skip_newline_ && !text.empty() && text.front() == '\n') {
      text.erase(0, 1);
      starts_line = true;
    }
    if (skip_space_) text.erase(0, std::min(text.find_first_not_of(kSpace), text.size()));
    if (tag != std::string::npos) cut_end(text, tag, starts_line);
    const int line = line_;
    advance(end);
    if (!text.empty()) tokens_.push_back({Token::Kind::kText, std::move(text), line});
    skip_newline_ = skip_space_ = false;
  }

  void cut_end(std::string& text, size_t tag, bool starts_line) const {
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : ' ';
    if (sign == '-') text.erase(text.find_last_not_of(kSpace) + 1);
    if (sign == '-' || sign == '+' || source_[tag + 1] == '{') return;
    // lstrip_blocks: white space from the start of the line.
    const size_t line_begin = text.rfind('\n') + 1;  // npos + 1 is 0
    const bool only_space = text.find_first_not_of(kSpace, line_begin) == std::string::npos;
    if ((line_begin > 0 || starts_line) && only_space) text.erase(line_begin);
  }

  void read_tag() {
    const char kind = source_[at_ + 1];
    if (kind == '#') return read_comment();
    advance(at_ + 2);
    if (at_ < source_.size() && (source_[at_] == '-' || (source_[at_] == '+' && kind == '%'))) {
      advance(at_ + 1);
    }
    if (kind == '%' && try_raw()) return;
    add(kind == '{' ? Token::Kind::kPrintBegin : Token::Kind::kBlockBegin, "");
    read_tokens(kind == '{' ? '}' : '%');
    add(kind == '{' ? Token::Kind::kPrintEnd : Token::Kind::kBlockEnd, "");
  }

  void read_comment() {
    const size_t end = source_.find("#}", at_ + 2);
    if (end == std::string::npos) fail("the comment does not end ('#}')");
    end_tag(source_[end - 1], '%');
    advance(end + 2);
  }

  void end_tag(char sign, char closing) {
    skip_space_ = sign == '-';
    skip_newline_ = closing == '%' && sign != '+';
  }

  // {% raw %} … {% endraw %}: text as it is.
  bool try_raw() {
    const size_t word = source_.find_first_not_of(kSpace, at_);
    if (word == std::string::npos || source_.compare(word, 3, "raw") != 0) return false;
    const size_t after = source_.find_first_not_of(kSpace, word + 3);
    if (after == std::string::npos || (source_[after] != '%' && source_[after] != '-'))
      return false;
    const size_t begin = source_.find("%}", after);
    if (begin == std::string::npos) fail("the tag does not end ('%}')");
    end_tag(source_[begin - 1], 'r');  // trim_blocks does not hold after {% raw %}
    size_t tag = begin + 2;
    while (true) {
      tag = source_.find("{%", tag);
      if (tag == std::string::npos) fail("{% raw %} without {% endraw %}");
      const size_t name = source_.find_first_not_of(" \t\n-+", tag + 2);
      if (name != std::string::npos && source_.compare(name, 6, "endraw") == 0) break;
      tag += 2;
    }
    advance(begin + 2);
    add_text(tag);
    const size_t end = source_.find("%}", tag);
    if (end == std::string::npos) fail("the tag does not end ('%}')");
    end_tag(source_[end - 1], '%');
    advance(end + 2);
    return true;
  }

  void read_tokens(char closing) {
    std::string brackets;
    while (true) {
      advance(std::min(source_.find_first_not_of(kSpace, at_), source_.size()));
      if (at_ == source_.size()) fail("the tag does not end");
      if (brackets.empty() && ends_here(closing)) return;
      const char c = source_[at_];
      if (c == '\'' || c == '"') {
        read_string(c);
      } else if (is_digit(c)) {
        read_number();
      } else if (starts_name(c)) {
        size_t end = at_;
        while (end < source_.size() && (starts_name(source_[end]) || is_digit(source_[end]))) ++end;
        add(Token::Kind::kName, source_.substr(at_, end - at_));
        advance(end);
      } else {
        read_operator(brackets);
      }
    }
  }

  bool ends_here(char closing) {
    const bool has_sign = source_[at_] == '-' || source_[at_] == '+';
    const size_t mark = at_ + (has_sign ? 1 : 0);
    if (source_.compare(mark, 2, {closing, '}'}) != 0) return false;
    end_tag(has_sign ? source_[at_] : ' ', closing);
    advance(mark + 2);
    return true;
  }

  void read_string(char quote) {
    std::string text;
    size_t i = at_ + 1;
    for (; i < source_.size() && source_[i] != quote; ++i) {
      if (source_[i] == '\\' && i + 1 < source_.size()) {
        i = read_escape(i + 1, text);
      } else {
        text += source_[i];
      }
    }
    if (i >= source_.size()) fail("the string does not end");
    add(Token::Kind::kString, std::move(text));
    advance(i + 1);
  }

  // Reads the escape whose letter is at `i`, as Python; returns its last position.
  size_t read_escape(size_t i, std::string& text) const {
    static const std::string kLetters = "ntrfvab0\\'\"";
    static const std::string kMeanings("\n\t\r\f\v\a\b\0\\'\"", 11);
    const char c = source_[i];
    if (const size_t found = kLetters.find(c); found != std::string::npos) {
      text += kMeanings[found];
      return i;
    }
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits > 0) {
      uint32_t code = 0;
      for (size_t d = 1; d <= digits; ++d) {
        if (i + d >= source_.size() ||
            std::isxdigit(static_cast<unsigned char>(source_[i + d])) == 0) {
          fail(cat("'\\", c, "' needs ", digits, " hexadecimal digits"));
        }
        code = code * 16 + static_cast<uint32_t>(std::stoi(source_.substr(i + d, 1), nullptr, 16));
      }
      if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) fail("no such character");
      text += utf8(code);
      return i + digits;
    }
    if (c != '\n') (text += '\\') += c;  // a continued line is joined; other letters stay
    return i;
  }

  void read_number() {
    size_t end = at_;
    const auto digits = [&] {
      while (end < source_.size() && (is_digit(source_[end]) || source_[end] == '_')) ++end;
    };
    digits();
    bool is_float = false;
    if (end + 1 < source_.size() && source_[end] == '.' && is_digit(source_[end + 1])) {
      is_float = true;
      ++end;
      digits();
    }
    if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      is_float = true;
      ++end;
      if (end < source_.size() && (source_[end] == '-' || source_[end] == '+')) ++end;
      digits();
    }
    std::string text = source_.substr(at_, end - at_);
    text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
    if (text.size() > 18 && !is_float) fail(cat("the number ", text, " is too large"));
    add(is_float ? Token::Kind::kFloat : Token::Kind::kInteger, text);
    advance(end);
  }

  void read_operator(std::string& brackets) {
    for (const char* two : {"==", "!=", "<=", ">=", "//", "**"}) {
      if (source_.compare(at_, 2, two) == 0) {
        add(Token::Kind::kOperator, two);
        return advance(at_ + 2);
      }
    }
    const char c = source_[at_];
    if (std::string("()[]{}").find(c) != std::string::npos) track_bracket(c, brackets);
    if (std::string("()[]{}<>=+-*/%~|.,:").find(c) == std::string::npos) {
      fail(cat("'", c, "' has no meaning here"));
    }
    add(Token::Kind::kOperator, std::string(1, c));
    advance(at_ + 1);
  }

  void track_bracket(char c, std::string& brackets) const {
    static const std::string kOpen = "([{", kClose = ")]}";
    if (kOpen.find(c) != std::string::npos) {
      brackets += c;
      return;
    }
    if (brackets.empty() || kOpen.find(brackets.back()) != kClose.find(c)) {
      fail(cat("'", c, "' closes nothing"));
    }
    brackets.pop_back();
  }

  std::string source_;
  size_t at_ = 0;
  int line_ = 1;
  bool skip_newline_ = false;  // trim_blocks: after a block or comment
  bool skip_space_ = false;    // after "-%}"
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(const std::string& source) { return Lexer(source).run(); }

}  // namespace unlearn::jinja
