// Expressions of a template, and the tokens that a parser walks over.
#pragma once

#include <string>
#include <vector>

#include "jinja/lexer.h"
#include "jinja/syntax.h"

namespace unlearn::jinja {

class ExpressionParser {
 public:
  explicit ExpressionParser(const std::string& source) : tokens_(tokenize(source)) {}

 protected:
  using Kind = Expression::Kind;

  // Counts how deeply tags and expressions are nested; UserError beyond what an honest template
  // has.
  class Depth {
   public:
    explicit Depth(ExpressionParser& parser);
    ~Depth() { --parser_.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

   private:
    ExpressionParser& parser_;
  };

  const Token& now() const;
  [[noreturn]] void fail(const std::string& what) const;
  ExpressionPtr expression(Kind kind, std::string text = "") const;
  ExpressionPtr literal(Value value) const;
  bool at_operator(const std::string& text) const;
  bool at_name(const std::string& text) const;
  bool take_operator(const std::string& text);
  bool take_name(const std::string& text);
  std::string shown() const;
  void expect_operator(const std::string& text);
  void expect(Token::Kind kind, const char* what);
  std::string expect_name();

  // a, b: a tuple where there is a comma.
  ExpressionPtr parse_tuple(bool with_condition = true);
  ExpressionPtr parse_expression();
  // A chain "| a | b(1)" over `value`; null stands for a text that is not in the tree.
  ExpressionPtr parse_filters(ExpressionPtr value, bool first_without_bar = false);

  std::vector<Token> tokens_;
  size_t at_ = 0;

 private:
  ExpressionPtr binary(std::string text, ExpressionPtr left, ExpressionPtr right) const;
  ExpressionPtr parse_or();
  ExpressionPtr parse_and();
  ExpressionPtr parse_not();
  std::string take_comparison();
  // One comparison; a chain (a < b < c) is refused.
  ExpressionPtr parse_comparison();
  ExpressionPtr parse_sum();
  ExpressionPtr parse_concatenation();
  ExpressionPtr parse_product();
  ExpressionPtr parse_unary(bool with_filters);
  ExpressionPtr parse_primary();
  ExpressionPtr named(const std::string& name) const;
  ExpressionPtr parse_brackets();
  ExpressionPtr parse_list();
  ExpressionPtr parse_dict();
  CallArguments parse_arguments();
  ExpressionPtr parse_postfix(ExpressionPtr value);
  ExpressionPtr parse_subscript(ExpressionPtr value);
  ExpressionPtr parse_filters_and_tests(ExpressionPtr value);
  bool starts_test_argument() const;
  ExpressionPtr parse_test(ExpressionPtr value);

  int depth_ = 0;
};

}  // namespace unlearn::jinja
