// Source text to text pieces and the tokens inside {{ }} and {% %}.
#pragma once

#include <string>
#include <vector>

namespace unlearn::jinja {

struct Token {
  enum class Kind {
    kText,  // template text as it is
    kPrintBegin,
    kPrintEnd,
    kBlockBegin,
    kBlockEnd,
    kName,
    kString,  // text: unescaped
    kInteger,
    kFloat,
    kOperator,
    kEnd,
  };
  Kind kind;
  std::string text;
  int line;

  bool is(Kind wanted, const std::string& wanted_text) const {
    return kind == wanted && text == wanted_text;
  }
};

// As jinja2 with trim_blocks and lstrip_blocks: comments are dropped, white space is cut as "-" and
// "+" say, one newline at the end of the source goes. UserError "line N: …".
std::vector<Token> tokenize(const std::string& source);

}  // namespace unlearn::jinja
