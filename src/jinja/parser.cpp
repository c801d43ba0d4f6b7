#include "jinja/parser.h"

#include <algorithm>
#include <initializer_list>

#include "jinja/lexer.h"
#include "unlearn/core/error.h"

namespace unlearn::jinja {
namespace {

using Kind = Expression::Kind;

constexpr int kDeepestSyntax = 200;  // nested expressions or tags: no honest template comes near

class Parser {
 public:
  explicit Parser(const std::string& source) : tokens_(tokenize(source)) {}

  NodePtr run() {
    NodePtr root = node(Node::Kind::kBlock);
    root->body = parse_body({});
    return root;
  }

 private:
  const Token& now() const { return tokens_[at_]; }
  [[noreturn]] void fail(const std::string& what) const {
    user_error("line ", now().line, ": ", what);
  }
  NodePtr node(Node::Kind kind) const {
    auto result = std::make_unique<Node>();
    result->kind = kind;
    result->line = now().line;
    return result;
  }
  ExpressionPtr expression(Kind kind, std::string text = "") const {
    auto result = std::make_unique<Expression>();
    result->kind = kind;
    result->line = now().line;
    result->text = std::move(text);
    return result;
  }
  ExpressionPtr literal(Value value) const {
    ExpressionPtr result = expression(Kind::kLiteral);
    result->value = std::move(value);
    return result;
  }

  bool at_operator(const std::string& text) const { return now().is(Token::Kind::kOperator, text); }
  bool at_name(const std::string& text) const { return now().is(Token::Kind::kName, text); }
  bool take_operator(const std::string& text) {
    if (!at_operator(text)) return false;
    ++at_;
    return true;
  }
  bool take_name(const std::string& text) {
    if (!at_name(text)) return false;
    ++at_;
    return true;
  }
  std::string shown() const {
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
  void expect_operator(const std::string& text) {
    if (!take_operator(text)) fail(cat("'", text, "' is needed, not ", shown()));
  }
  void expect(Token::Kind kind, const char* what) {
    if (now().kind != kind) fail(cat(what, " is needed, not ", shown()));
    ++at_;
  }
  std::string expect_name() {
    if (now().kind != Token::Kind::kName) fail(cat("a name is needed, not ", shown()));
    return tokens_[at_++].text;
  }

  class Depth {
   public:
    explicit Depth(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > kDeepestSyntax) parser_.fail("nested too deeply");
    }
    ~Depth() { --parser_.depth_; }

   private:
    Parser& parser_;
  };

  // Tags and text up to one of `ends` (which is left as the current token, behind its "{%").
  std::vector<NodePtr> parse_body(std::initializer_list<const char*> ends) {
    const Depth depth(*this);
    std::vector<NodePtr> body;
    while (true) {
      switch (now().kind) {
        case Token::Kind::kText:
          body.push_back(node(Node::Kind::kText));
          body.back()->text = now().text;
          ++at_;
          break;
        case Token::Kind::kPrintBegin:
          ++at_;
          body.push_back(node(Node::Kind::kPrint));
          body.back()->expression = parse_tuple();
          expect(Token::Kind::kPrintEnd, "'}}'");
          break;
        case Token::Kind::kBlockBegin: {
          ++at_;
          const bool is_end = now().kind == Token::Kind::kName &&
                              std::find(ends.begin(), ends.end(), now().text) != ends.end();
          if (is_end) return body;
          if (NodePtr tag = parse_tag()) body.push_back(std::move(tag));
          break;
        }
        default:
          if (ends.size() > 0) fail(cat("{% ", *(ends.end() - 1), " %} is missing"));
          return body;
      }
    }
  }

  std::vector<NodePtr> body_to(const char* end) {
    expect(Token::Kind::kBlockEnd, "'%}'");
    std::vector<NodePtr> body = parse_body({end});
    ++at_;
    expect(Token::Kind::kBlockEnd, "'%}'");
    return body;
  }

  NodePtr parse_tag() {
    const std::string tag = expect_name();
    if (tag == "for") return parse_for();
    if (tag == "if") return parse_if();
    if (tag == "set") return parse_set();
    if (tag == "macro") return parse_macro();
    if (tag == "call") return parse_call();
    if (tag == "filter") return parse_filter_block();
    if (tag == "generation") {  // transformers marks the assistant's text with it
      NodePtr block = node(Node::Kind::kBlock);
      block->body = body_to("endgeneration");
      return block;
    }
    if (tag == "break" || tag == "continue") {
      NodePtr result = node(tag == "break" ? Node::Kind::kBreak : Node::Kind::kContinue);
      expect(Token::Kind::kBlockEnd, "'%}'");
      return result;
    }
    --at_;
    fail(cat("the tag '", tag, "' is not known here; known: for, if, set, macro, call, filter, ",
             "generation, break, continue, raw"));
  }

  std::vector<std::string> parse_targets() {
    std::vector<std::string> names;
    const bool in_brackets = take_operator("(");
    do {
      names.push_back(expect_name());
    } while (take_operator(",") && now().kind == Token::Kind::kName);
    if (in_brackets) expect_operator(")");
    return names;
  }

  NodePtr parse_for() {
    NodePtr loop = node(Node::Kind::kFor);
    loop->names = parse_targets();
    if (!take_name("in")) fail(cat("'in' is needed, not ", shown()));
    loop->expression = parse_tuple(/*with_condition=*/false);
    if (take_name("if")) loop->condition = parse_expression();
    if (at_name("recursive")) fail("recursive loops are not known here");
    expect(Token::Kind::kBlockEnd, "'%}'");
    loop->body = parse_body({"else", "endfor"});
    if (take_name("else")) {
      loop->otherwise = body_to("endfor");
      return loop;
    }
    ++at_;
    expect(Token::Kind::kBlockEnd, "'%}'");
    return loop;
  }

  NodePtr parse_if() {
    const Depth depth(*this);
    NodePtr result = node(Node::Kind::kIf);
    result->expression = parse_tuple();
    expect(Token::Kind::kBlockEnd, "'%}'");
    result->body = parse_body({"elif", "else", "endif"});
    if (take_name("elif")) {
      result->otherwise.push_back(parse_if());
      return result;
    }
    if (take_name("else")) {
      result->otherwise = body_to("endif");
      return result;
    }
    ++at_;
    expect(Token::Kind::kBlockEnd, "'%}'");
    return result;
  }

  NodePtr parse_set() {
    NodePtr result = node(Node::Kind::kSet);
    result->names = parse_targets();
    if (take_operator(".")) {
      if (result->names.size() != 1) fail("one attribute can be set at a time");
      result->attribute = expect_name();
    }
    if (take_operator("=")) {
      result->expression = parse_tuple();
      expect(Token::Kind::kBlockEnd, "'%}'");
      return result;
    }
    if (result->names.size() != 1) fail("a block is one value");
    // {% set name | filter %} … {% endset %}
    if (at_operator("|")) result->condition = parse_filters(nullptr);
    result->body = body_to("endset");
    return result;
  }

  std::vector<Parameter> parse_parameters() {
    std::vector<Parameter> parameters;
    expect_operator("(");
    while (!take_operator(")")) {
      if (!parameters.empty()) expect_operator(",");
      Parameter parameter{expect_name(), nullptr};
      if (take_operator("=")) parameter.fallback = parse_expression();
      parameters.push_back(std::move(parameter));
    }
    return parameters;
  }

  NodePtr parse_macro() {
    NodePtr macro = node(Node::Kind::kMacro);
    macro->text = expect_name();
    macro->parameters = parse_parameters();
    macro->body = body_to("endmacro");
    return macro;
  }

  NodePtr parse_call() {
    NodePtr call = node(Node::Kind::kCall);
    if (at_operator("(")) call->parameters = parse_parameters();
    call->expression = parse_expression();
    if (call->expression->kind != Kind::kCall) fail("{% call %} needs a call of a macro");
    call->body = body_to("endcall");
    return call;
  }

  NodePtr parse_filter_block() {
    NodePtr block = node(Node::Kind::kFilter);
    block->expression = parse_filters(nullptr, /*first_without_bar=*/true);
    block->body = body_to("endfilter");
    return block;
  }

  // a, b: a tuple where there is a comma.
  ExpressionPtr parse_tuple(bool with_condition = true) {
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

  ExpressionPtr parse_expression() {
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

  ExpressionPtr binary(std::string text, ExpressionPtr left, ExpressionPtr right) const {
    ExpressionPtr result = expression(Kind::kBinary, std::move(text));
    result->parts.push_back(std::move(left));
    result->parts.push_back(std::move(right));
    return result;
  }

  ExpressionPtr parse_or() {
    ExpressionPtr left = parse_and();
    while (take_name("or")) left = binary("or", std::move(left), parse_and());
    return left;
  }

  ExpressionPtr parse_and() {
    ExpressionPtr left = parse_not();
    while (take_name("and")) left = binary("and", std::move(left), parse_not());
    return left;
  }

  ExpressionPtr parse_not() {
    const Depth depth(*this);
    if (!take_name("not")) return parse_comparison();
    ExpressionPtr result = expression(Kind::kUnary, "not");
    result->parts.push_back(parse_not());
    return result;
  }

  std::string take_comparison() {
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

  // a < b < c means a < b and b < c, as in Python.
  ExpressionPtr parse_comparison() {
    ExpressionPtr left = parse_sum();
    std::string first = take_comparison();
    if (first.empty()) return left;
    ExpressionPtr result = binary(first, std::move(left), parse_sum());
    if (!take_comparison().empty()) fail("chained comparisons are not known here; write 'and'");
    return result;
  }

  ExpressionPtr parse_sum() {
    ExpressionPtr left = parse_concatenation();
    while (at_operator("+") || at_operator("-")) {
      const std::string sign = tokens_[at_++].text;
      left = binary(sign, std::move(left), parse_concatenation());
    }
    return left;
  }

  ExpressionPtr parse_concatenation() {
    ExpressionPtr left = parse_product();
    while (take_operator("~")) left = binary("~", std::move(left), parse_product());
    return left;
  }

  ExpressionPtr parse_product() {
    ExpressionPtr left = parse_unary(true);
    while (at_operator("*") || at_operator("/") || at_operator("//") || at_operator("%")) {
      const std::string sign = tokens_[at_++].text;
      left = binary(sign, std::move(left), parse_unary(true));
    }
    return left;
  }

  ExpressionPtr parse_unary(bool with_filters) {
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

  ExpressionPtr parse_primary() {
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
        return literal(std::stod(token.text));
      default:
        break;
    }
    if (take_operator("(")) return parse_brackets();
    if (take_operator("[")) return parse_list();
    if (take_operator("{")) return parse_dict();
    fail(cat("a value is needed, not ", shown()));
  }

  ExpressionPtr named(const std::string& name) const {
    if (name == "true" || name == "True") return literal(true);
    if (name == "false" || name == "False") return literal(false);
    if (name == "none" || name == "None") return literal(None{});
    return expression(Kind::kName, name);
  }

  ExpressionPtr parse_brackets() {
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

  ExpressionPtr parse_list() {
    ExpressionPtr list = expression(Kind::kList);
    while (!take_operator("]")) {
      if (!list->parts.empty()) expect_operator(",");
      if (take_operator("]")) break;
      list->parts.push_back(parse_expression());
    }
    return list;
  }

  ExpressionPtr parse_dict() {
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

  CallArguments parse_arguments() {
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

  ExpressionPtr parse_postfix(ExpressionPtr value) {
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

  ExpressionPtr parse_subscript(ExpressionPtr value) {
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

  ExpressionPtr parse_filters_and_tests(ExpressionPtr value) {
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

  ExpressionPtr parse_filters(ExpressionPtr value, bool first_without_bar = false) {
    while (first_without_bar || take_operator("|")) {
      first_without_bar = false;
      ExpressionPtr filter = expression(Kind::kFilter, expect_name());
      filter->parts.push_back(std::move(value));
      if (take_operator("(")) filter->arguments = parse_arguments();
      value = std::move(filter);
    }
    return value;
  }

  bool starts_test_argument() const {
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

  ExpressionPtr parse_test(ExpressionPtr value) {
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

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

NodePtr parse(const std::string& source) { return Parser(source).run(); }

}  // namespace unlearn::jinja
