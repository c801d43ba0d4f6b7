#include "tokenizer/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cctype>

#include "unlearn/core/error.h"

namespace unlearn::tokenizer {
namespace {

// Below U+0100 Oniguruma counts the superscript digits and the fractions, too.
constexpr const char* kWord = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\xB2\\xB3\\xB9\\xBC-\\xBE";

bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

// Oniguruma's escapes that PCRE2 reads otherwise: its \s leaves out U+180E, \w is a union of
// properties, \h is a hexadecimal digit, \uHHHH is a code point. Ruby's (?m) is PCRE2's (?s).
class Translator {
 public:
  Translator(const std::string& pattern, const std::string& where)
      : pattern_(pattern), where_(where) {}

  std::string run() {
    for (position_ = 0; position_ < pattern_.size(); ++position_) step();
    return out_;
  }

 private:
  void step() {
    const char c = pattern_[position_];
    if (c == '\\' && position_ + 1 < pattern_.size()) {
      ++position_;
      escape(pattern_[position_]);
      return;
    }
    if (depth_ > 0) {
      in_class(c);
      return;
    }
    if (c == '[') {
      open_class();
      return;
    }
    if (c == '(' && pattern_.compare(position_, 2, "(?") == 0) inline_options();
    out_ += c;
  }

  void open_class() {
    ++depth_;
    out_ += '[';
    if (position_ + 1 < pattern_.size() && pattern_[position_ + 1] == '^') {
      out_ += '^';
      ++position_;
    }
    if (position_ + 1 < pattern_.size() && pattern_[position_ + 1] == ']') {
      out_ += "\\]";
      ++position_;
    }
  }

  void in_class(char c) {
    if (c == ']') --depth_;
    if (c == '[') {
      if (pattern_.compare(position_, 2, "[:") != 0) refuse("a class inside a class");
      const size_t end = pattern_.find(":]", position_ + 2);
      if (end == std::string::npos) refuse("an open POSIX class");
      out_ += pattern_.substr(position_, end + 2 - position_);
      position_ = end + 1;
      return;
    }
    if (c == '&' && pattern_.compare(position_, 2, "&&") == 0) refuse("a class intersection (&&)");
    out_ += c;
  }

  void inline_options() const {
    for (size_t i = position_ + 2; i < pattern_.size(); ++i) {
      const char c = pattern_[i];
      if (c == 'm' || c == 's') refuse(cat("the option (?", c, ")"));
      if (c != 'i' && c != 'x' && c != '-') return;
    }
  }

  void escape(char c) {
    const bool inside = depth_ > 0;
    switch (c) {
      case 's':
        out_ += "\\p{White_Space}";
        return;
      case 'S':
        out_ += "\\P{White_Space}";
        return;
      case 'd':
        out_ += "\\p{Nd}";
        return;
      case 'D':
        out_ += "\\P{Nd}";
        return;
      case 'w':
        out_ += inside ? kWord : cat("[", kWord, "]");
        return;
      case 'W':
        if (inside) refuse("\\W in a class");
        out_ += cat("[^", kWord, "]");
        return;
      case 'h':
        out_ += inside ? "0-9a-fA-F" : "[0-9a-fA-F]";
        return;
      case 'b':
      case 'B':
        boundary(c, inside);
        return;
      case 'u':
        code_point();
        return;
      case 'H':
      case 'R':
      case 'X':
      case 'K':
      case 'G':
      case 'N':
      case 'O':
      case 'C':
      case 'Q':
      case 'E':
      case 'g':
      case 'k':
        refuse(cat("the escape \\", c));
      default:
        out_ += '\\';
        out_ += c;
    }
  }

  void boundary(char c, bool inside) {
    if (inside) {
      out_ += "\\x08";
      return;
    }
    const std::string word = cat("[", kWord, "]");
    out_ += c == 'b' ? cat("(?:(?<=", word, ")(?!", word, ")|(?<!", word, ")(?=", word, "))")
                     : cat("(?:(?<=", word, ")(?=", word, ")|(?<!", word, ")(?!", word, "))");
  }

  void code_point() {
    const std::string digits = pattern_.substr(position_ + 1, 4);
    if (digits.size() != 4 || !is_hex(digits[0]) || !is_hex(digits[1]) || !is_hex(digits[2]) ||
        !is_hex(digits[3])) {
      refuse("\\u without four hexadecimal digits");
    }
    out_ += cat("\\x{", digits, "}");
    position_ += 4;
  }

  [[noreturn]] void refuse(const std::string& what) const {
    user_error(where_, ": the regular expression uses ", what,
               ", which is not supported: ", pattern_);
  }

  const std::string& pattern_;
  const std::string& where_;
  size_t position_ = 0;
  int depth_ = 0;
  std::string out_;
};

// What one thread needs to match: room for the offsets and a stack for JIT code.
struct Scratch {
  Scratch()
      : data(pcre2_match_data_create(64, nullptr)),
        context(pcre2_match_context_create(nullptr)),
        stack(pcre2_jit_stack_create(32 << 10, 16 << 20, nullptr)) {
    UNLEARN_CHECK(data != nullptr && context != nullptr && stack != nullptr, "PCRE2: no memory");
    pcre2_jit_stack_assign(context, nullptr, stack);
  }
  ~Scratch() {
    pcre2_jit_stack_free(stack);
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  pcre2_match_data* data;
  pcre2_match_context* context;
  pcre2_jit_stack* stack;
};

size_t character_length(std::string_view text, size_t position) {
  const auto lead = static_cast<unsigned char>(text[position]);
  return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

}  // namespace

struct Regex::Code {
  explicit Code(pcre2_code* code) : compiled(code) {}
  ~Code() { pcre2_code_free(compiled); }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  pcre2_code* compiled;
};

Regex::Regex(const std::string& pattern, const std::string& where) {
  if (pattern.size() > 64 << 10) user_error(where, ": the regular expression is over 64 KiB");
  const std::string translated = Translator(pattern, where).run();
  int error = 0;
  PCRE2_SIZE offset = 0;
  // Ruby's ^ and $ match at every line.
  pcre2_code* compiled =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &error, &offset, nullptr);
  if (compiled == nullptr) {
    char message[256];
    pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR*>(message), sizeof(message));
    user_error(where, ": not a usable regular expression (", message, "): ", pattern);
  }
  code_ = std::make_unique<Code>(compiled);
  pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);  // without JIT the interpreter does the same
}

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

std::vector<Span> Regex::find_all(std::string_view text) const {
  thread_local Scratch scratch;
  std::vector<Span> found;
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  size_t position = 0;
  size_t last_end = std::string_view::npos;
  while (position <= text.size()) {
    // The text was checked once; a check per match would make the scan quadratic.
    int count = pcre2_match(code_->compiled, subject, text.size(), position, PCRE2_NO_UTF_CHECK,
                            scratch.data, scratch.context);
    if (count == PCRE2_ERROR_JIT_STACKLIMIT) {
      count = pcre2_match(code_->compiled, subject, text.size(), position,
                          PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, scratch.data, scratch.context);
    }
    if (count == PCRE2_ERROR_NOMATCH) break;
    if (count < 0) {
      user_error("the tokenizer's regular expression gave up on a text of ", text.size(),
                 " bytes (PCRE2 error ", count, ")");
    }
    const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(scratch.data);
    const Span match{offsets[0], offsets[1]};
    if (match.begin == match.end && match.begin == last_end) {
      // An empty match right after the last one does not count.
      if (position >= text.size()) break;
      position += character_length(text, position);
      continue;
    }
    found.push_back(match);
    position = last_end = match.end;
  }
  return found;
}

std::string Regex::escape(std::string_view literal) {
  std::string out;
  for (const char c : literal) {
    if (static_cast<unsigned char>(c) < 0x80 && std::ispunct(static_cast<unsigned char>(c))) {
      out += '\\';
    }
    out += c;
  }
  return out;
}

}  // namespace unlearn::tokenizer
