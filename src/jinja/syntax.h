// The tree of a template.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jinja/value.h"

namespace unlearn::jinja {

struct Expression;
struct Node;
using ExpressionPtr = std::unique_ptr<Expression>;
using NodePtr = std::unique_ptr<Node>;

struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
};

struct Expression {
  enum class Kind {
    kLiteral,    // value
    kName,       // text
    kList,       // parts
    kTuple,      // parts
    kDict,       // parts: key, value, key, value, …
    kAttribute,  // parts[0].text
    kItem,       // parts[0][parts[1]]
    kSlice,      // parts[0][parts[1]:parts[2]:parts[3]], absent ones null
    kCall,       // parts[0](arguments)
    kFilter,     // parts[0] | text(arguments)
    kTest,       // parts[0] is text(arguments)
    kUnary,      // text: "not", "-", "+"
    kBinary,     // text: the operator
    kCondition,  // parts[1] if parts[0] else parts[2] (may be null)
  };
  Kind kind;
  int line;
  std::string text = "";
  Value value = {};
  std::vector<ExpressionPtr> parts = {};
  CallArguments arguments = {};
};

struct Parameter {
  std::string name;
  ExpressionPtr fallback;  // null: undefined when not given
};

struct Node {
  enum class Kind {
    kBlock,   // body
    kText,    // text
    kPrint,   // expression
    kFor,     // names; expression: what is gone over; condition; body; otherwise
    kIf,      // expression; body; otherwise
    kSet,     // names (or object.attribute); expression, or body for a block
    kMacro,   // text: name; parameters; body
    kCall,    // expression: the call; parameters; body
    kFilter,  // expression: a filter over the body's text (its innermost part is left null)
    kBreak,
    kContinue,
  };
  Kind kind;
  int line;
  std::string text = "";
  std::vector<std::string> names = {};
  std::string attribute = "";  // kSet: names[0].attribute = …
  ExpressionPtr expression = {};
  ExpressionPtr condition = {};
  std::vector<Parameter> parameters = {};
  std::vector<NodePtr> body = {};
  std::vector<NodePtr> otherwise = {};
};

}  // namespace unlearn::jinja
