#include "jinja/expression_parser.h"

#include <cstdlib>

#include "unlearn/core/error.h"

namespace unlearn::jinja {
namespace {

constexpr int kDeepestSyntax = 200;

}  // namespace

ExpressionParser::Depth::Depth(ExpressionParser& parser) : parser_(parser) {
  if (++parser_.depth_ > kDeepestSyntax) parser_.fail("nested too deeply");
}

const Token& ExpressionParser::now() const { return tokens_[at_]; }

void ExpressionParser::fail(const std::string& what) const {
  user_error("line ", now().line, ": ", what);
}

ExpressionPtr ExpressionParser::expression(Kind kind, std::string text) const {
  auto result = std::make_unique<Expression>();
  result->kind = kind;
  result->line = now().line;
  result->text = std::move(text);
  return result;
}

ExpressionPtr ExpressionParser::literal(Value value) const {
  ExpressionPtr result = expression(Kind::kLiteral);
  result->value = std::move(value);
  return result;
}

bool ExpressionParser::at_operator(const std::string& text) const {
  return now().is(Token::Kind::kOperator, text);
}

bool ExpressionParser::at_name(const std::string& text) const {
  return now().is(Token::Kind::kName, text);
}

bool ExpressionParser::take_operator(const std::string& text) {
  if (!at_operator(text)) return false;
  ++at_;
  return true;
}

bool ExpressionParser::take_name(const std::string& text) {
  if (!at_name(text)) return false;
  ++at_;
  return true;
}

std::string ExpressionParser::shown() const {
  switch (now().kind) {
    case Token::Kind::kPrintEnd:
    case Token::Kind::kBlockEnd:
      return "the end of the tag";
    case Token::Kind::kEnd:
      return "the end of the template";
    default:
      return cat("'", now().text, "'");
  }
}

void ExpressionParser::expect_operator(const std::string& text) {
  if (!take_operator(text)) fail(cat("'", text, "' is needed, not ", shown()));
}

void ExpressionParser::expect(Token::Kind kind, const char* what) {
  if (now().kind != kind) fail(cat(what, " is needed, not ", shown()));
  ++at_;
}

std::string ExpressionParser::expect_name() {
  if (now().kind != Token::Kind::kName) fail(cat("a name is needed, not ", shown()));
  return tokens_[at_++].text;
}

ExpressionPtr ExpressionParser::parse_tuple(bool with_condition) {
  ExpressionPtr first = with_condition ? parse_expression() : parse_or();
  if (!at_operator(",")) return first;
  ExpressionPtr tuple = expression(Kind::kTuple);
  tuple->parts.push_back(std::move(first));
  while (take_operator(",")) {
    if (now().kind == Token::Kind::kBlockEnd || now().kind == Token::Kind::kPrintEnd) break;
    tuple->parts.push_back(with_condition ? parse_expression() : parse_or());
  }
  return tuple;
}

ExpressionPtr ExpressionParser::parse_expression() {
  const Depth depth(*this);
  ExpressionPtr value = parse_or();
  while (take_name("if")) {
    ExpressionPtr choice = expression(Kind::kCondition);
    choice->parts.push_back(parse_or());
    choice->parts.push_back(std::move(value));
    choice->parts.push_back(take_name("else") ? parse_expression() : nullptr);
    value = std::move(choice);
  }
  return value;
}

ExpressionPtr ExpressionParser::binary(std::string text, ExpressionPtr left,
                                       ExpressionPtr right) const {
  ExpressionPtr result = expression(Kind::kBinary, std::move(text));
  result->parts.push_back(std::move(left));
  result->parts.push_back(std::move(right));
  return result;
}

ExpressionPtr ExpressionParser::parse_or() {
  ExpressionPtr left = parse_and();
  while (take_name("or")) left = binary("or", std::move(left), parse_and());
  return left;
}

ExpressionPtr ExpressionParser::parse_and() {
  ExpressionPtr left = parse_not();
  while (take_name("and")) left = binary("and", std::move(left), parse_not());
  return left;
}

ExpressionPtr ExpressionParser::parse_not() {
  const Depth depth(*this);
  if (!take_name("not")) return parse_comparison();
  ExpressionPtr result = expression(Kind::kUnary, "not");
  result->parts.push_back(parse_not());
  return result;
}

std::string ExpressionParser::take_comparison() {
  for (const char* text : {"==", "!=", "<=", ">=", "<", ">"}) {
    if (take_operator(text)) return text;
  }
  if (take_name("in")) return "in";
  if (at_name("not") && tokens_[at_ + 1].is(Token::Kind::kName, "in")) {
    at_ += 2;
    return "not in";
  }
  return "";
}

ExpressionPtr ExpressionParser::parse_comparison() {
  ExpressionPtr left = parse_sum();
  std::string first = take_comparison();
  if (first.empty()) return left;
  ExpressionPtr result = binary(first, std::move(left), parse_sum());
  if (!take_comparison().empty()) fail("chained comparisons are not known here; write 'and'");
  return result;
}

ExpressionPtr ExpressionParser::parse_sum() {
  ExpressionPtr left = parse_concatenation();
  while (at_operator("+") || at_operator("-")) {
    const std::string sign = tokens_[at_++].text;
    left = binary(sign, std::move(left), parse_concatenation());
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_concatenation() {
  ExpressionPtr left = parse_product();
  while (take_operator("~")) left = binary("~", std::move(left), parse_product());
  return left;
}

ExpressionPtr ExpressionParser::parse_product() {
  ExpressionPtr left = parse_unary(true);
  while (at_operator("*") || at_operator("/") || at_operator("//") || at_operator("%")) {
    const std::string sign = tokens_[at_++].text;
    left = binary(sign, std::move(left), parse_unary(true));
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_unary(bool with_filters) {
  const Depth depth(*this);
  ExpressionPtr result;
  if (at_operator("-") || at_operator("+")) {
    const std::string sign = tokens_[at_++].text;
    result = expression(Kind::kUnary, sign);
    result->parts.push_back(parse_unary(false));
  } else {
    result = parse_primary();
  }
  result = parse_postfix(std::move(result));
  return with_filters ? parse_filters_and_tests(std::move(result)) : std::move(result);
}

ExpressionPtr ExpressionParser::parse_primary() {
  const Token& token = now();
  switch (token.kind) {
    case Token::Kind::kName:
      ++at_;
      return named(token.text);
    case Token::Kind::kString: {
      std::string text;
      while (now().kind == Token::Kind::kString) text += tokens_[at_++].text;  // 'a' 'b'
      return literal(std::move(text));
    }
    case Token::Kind::kInteger:
      ++at_;
      return literal(static_cast<int64_t>(std::stoll(token.text)));
    case Token::Kind::kFloat:
      ++at_;
      return literal(std::strtod(token.text.c_str(), nullptr));  // 1e999 is infinite, as in Python
    default:
      break;
  }
  if (take_operator("(")) return parse_brackets();
  if (take_operator("[")) return parse_list();
  if (take_operator("{")) return parse_dict();
  fail(cat("a value is needed, not ", shown()));
}

ExpressionPtr ExpressionParser::named(const std::string& name) const {
  if (name == "true" || name == "True") return literal(true);
  if (name == "false" || name == "False") return literal(false);
  if (name == "none" || name == "None") return literal(None{});
  return expression(Kind::kName, name);
}

ExpressionPtr ExpressionParser::parse_brackets() {
  if (take_operator(")")) return expression(Kind::kTuple);
  ExpressionPtr first = parse_expression();
  if (take_operator(")")) return first;
  ExpressionPtr tuple = expression(Kind::kTuple);
  tuple->parts.push_back(std::move(first));
  while (!take_operator(")")) {
    expect_operator(",");
    if (!at_operator(")")) tuple->parts.push_back(parse_expression());
  }
  return tuple;
}

ExpressionPtr ExpressionParser::parse_list() {
  ExpressionPtr list = expression(Kind::kList);
  while (!take_operator("]")) {
    if (!list->parts.empty()) expect_operator(",");
    if (take_operator("]")) break;
    list->parts.push_back(parse_expression());
  }
  return list;
}

ExpressionPtr ExpressionParser::parse_dict() {
  ExpressionPtr dict = expression(Kind::kDict);
  while (!take_operator("}")) {
    if (!dict->parts.empty()) expect_operator(",");
    if (take_operator("}")) break;
    dict->parts.push_back(parse_expression());
    expect_operator(":");
    dict->parts.push_back(parse_expression());
  }
  return dict;
}

CallArguments ExpressionParser::parse_arguments() {
  CallArguments arguments;
  bool is_first = true;
  while (!take_operator(")")) {
    if (!is_first) expect_operator(",");
    is_first = false;
    if (take_operator(")")) break;
    if (at_operator("*") || at_operator("**")) fail("unpacked arguments are not known here");
    const bool is_named =
        now().kind == Token::Kind::kName && tokens_[at_ + 1].is(Token::Kind::kOperator, "=");
    if (is_named) {
      const std::string name = expect_name();
      ++at_;
      arguments.named.emplace_back(name, parse_expression());
    } else {
      arguments.positional.push_back(parse_expression());
    }
  }
  return arguments;
}

ExpressionPtr ExpressionParser::parse_postfix(ExpressionPtr value) {
  while (true) {
    ExpressionPtr outer;
    if (take_operator(".")) {
      const bool is_index = now().kind == Token::Kind::kInteger;  // pair.0
      outer = expression(is_index ? Kind::kItem : Kind::kAttribute);
      outer->parts.push_back(std::move(value));
      if (is_index) {
        outer->parts.push_back(parse_primary());
      } else {
        outer->text = expect_name();
      }
    } else if (take_operator("[")) {
      outer = parse_subscript(std::move(value));
    } else if (take_operator("(")) {
      outer = expression(Kind::kCall);
      outer->parts.push_back(std::move(value));
      outer->arguments = parse_arguments();
    } else {
      return value;
    }
    value = std::move(outer);
  }
}

ExpressionPtr ExpressionParser::parse_subscript(ExpressionPtr value) {
  ExpressionPtr bounds[3];
  size_t count = 0;
  bool is_slice = false;
  while (!take_operator("]")) {
    if (take_operator(":")) {
      is_slice = true;
      if (++count > 2) fail("a slice has three parts at most");
    } else {
      if (bounds[count]) fail(cat("']' is needed, not ", shown()));
      bounds[count] = parse_expression();
    }
  }
  if (!is_slice && !bounds[0]) fail("an index is needed between '[' and ']'");
  ExpressionPtr result = expression(is_slice ? Kind::kSlice : Kind::kItem);
  result->parts.push_back(std::move(value));
  result->parts.push_back(std::move(bounds[0]));
  if (is_slice) {
    result->parts.push_back(std::move(bounds[1]));
    result->parts.push_back(std::move(bounds[2]));
  }
  return result;
}

ExpressionPtr ExpressionParser::parse_filters_and_tests(ExpressionPtr value) {
  while (true) {
    if (at_operator("|")) {
      value = parse_filters(std::move(value));
    } else if (take_name("is")) {
      value = parse_test(std::move(value));
    } else if (take_operator("(")) {  // the result of a filter, called
      ExpressionPtr call = expression(Kind::kCall);
      call->parts.push_back(std::move(value));
      call->arguments = parse_arguments();
      value = std::move(call);
    } else {
      return value;
    }
  }
}

ExpressionPtr ExpressionParser::parse_filters(ExpressionPtr value, bool first_without_bar) {
  while (first_without_bar || take_operator("|")) {
    first_without_bar = false;
    ExpressionPtr filter = expression(Kind::kFilter, expect_name());
    filter->parts.push_back(std::move(value));
    if (take_operator("(")) filter->arguments = parse_arguments();
    value = std::move(filter);
  }
  return value;
}

bool ExpressionParser::starts_test_argument() const {
  switch (now().kind) {
    case Token::Kind::kString:
    case Token::Kind::kInteger:
    case Token::Kind::kFloat:
      return true;
    case Token::Kind::kName:
      return !at_name("else") && !at_name("or") && !at_name("and") && !at_name("is") &&
             !at_name("if") && !at_name("in") && !at_name("not");
    default:
      return at_operator("[") || at_operator("{");
  }
}

ExpressionPtr ExpressionParser::parse_test(ExpressionPtr value) {
  const bool negated = take_name("not");
  ExpressionPtr test = expression(Kind::kTest, expect_name());
  test->parts.push_back(std::move(value));
  if (take_operator("(")) {
    test->arguments = parse_arguments();
  } else if (starts_test_argument()) {
    test->arguments.positional.push_back(parse_postfix(parse_primary()));
  }
  if (!negated) return test;
  ExpressionPtr result = expression(Kind::kUnary, "not");
  result->parts.push_back(std::move(test));
  return result;
}

}  // namespace unlearn::jinja
