#include "jinja/parser.h"

#include <algorithm>
#include <initializer_list>

#include "jinja/expression_parser.h"
#include "unlearn/core/error.h"

namespace unlearn::jinja {
namespace {

// Tags; what stands inside them is the base's.
class Parser : public ExpressionParser {
 public:
  using ExpressionParser::ExpressionParser;

  NodePtr run() {
    NodePtr root = node(Node::Kind::kBlock);
    root->body = parse_body({});
    return root;
  }

 private:
  NodePtr node(Node::Kind kind) const {
    auto result = std::make_unique<Node>();
    result->kind = kind;
    result->line = now().line;
    return result;
  }
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
};

}  // namespace

NodePtr parse(const std::string& source) { return Parser(source).run(); }

}  // namespace unlearn::jinja
