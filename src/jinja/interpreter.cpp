#include "jinja/interpreter.h"

#include <algorithm>

#include "jinja/functions.h"
#include "unlearn/core/error.h"

namespace unlearn::jinja {
namespace {

using Kind = Expression::Kind;

// A template of a model folder is somebody else's program: it may not run or print without end.
constexpr int64_t kMostSteps = 1'000'000;
constexpr size_t kLongestText = size_t{64} << 20;
constexpr int kDeepest = 1000;  // nested tags, expressions and calls

// Names in sight: one scope per template, loop or macro. Inner scopes see outer ones; what a loop
// sets is gone after it.
struct Scope {
  Dict names;
  const Scope* outer = nullptr;
  // Held by macros made here, which may outlive the scope in somebody's namespace.
  mutable std::shared_ptr<bool> life = nullptr;

  const Value* find(const std::string& name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->outer) {
      if (const Value* value = scope->names.find(name)) return value;
    }
    return nullptr;
  }
};

enum class Flow { kOn, kBreak, kContinue };

// An error gets the innermost line in front, once.
class LineError : public UserError {
 public:
  using UserError::UserError;
};

class Interpreter {
 public:
  explicit Interpreter(Dict variables) {
    globals_.names = global_functions();
    for (auto& [name, value] : variables.entries) globals_.names.set(name, std::move(value));
  }

  std::string run(const Node& root) {
    Scope top{{}, &globals_};
    std::string out;
    run_body(root.body, top, out);
    return out;
  }

 private:
  void count_step(int line) {
    if (++steps_ > kMostSteps) user_error("line ", line, ": the template does not come to an end");
  }

  // f() with `line` in front of its error.
  template <class F>
  auto at_line(int line, const F& f) -> decltype(f()) {
    struct Depth {
      int& depth;
      ~Depth() { --depth; }
    } depth{depth_};
    if (++depth_ > kDeepest) user_error("line ", line, ": nested too deeply");
    try {
      return f();
    } catch (const LineError&) {
      throw;
    } catch (const UserError& error) {
      throw LineError(cat("line ", line, ": ", error.what()));
    }
  }

  Flow run_body(const std::vector<NodePtr>& body, Scope& scope, std::string& out) {
    for (const NodePtr& node : body) {
      const Flow flow = at_line(node->line, [&] { return run_node(*node, scope, out); });
      if (flow != Flow::kOn) return flow;
    }
    return Flow::kOn;
  }

  Flow run_node(const Node& node, Scope& scope, std::string& out) {
    count_step(node.line);
    switch (node.kind) {
      case Node::Kind::kBlock:
        return run_body(node.body, scope, out);
      case Node::Kind::kText:
        print(node.text, out);
        return Flow::kOn;
      case Node::Kind::kPrint:
        print(evaluate(*node.expression, scope).to_text(), out);
        return Flow::kOn;
      case Node::Kind::kFor:
        return run_for(node, scope, out);
      case Node::Kind::kIf:
        return run_body(evaluate(*node.expression, scope).truth() ? node.body : node.otherwise,
                        scope, out);
      case Node::Kind::kSet:
        run_set(node, scope);
        return Flow::kOn;
      case Node::Kind::kMacro:
        scope.names.set(node.text, make_macro(node, scope, node.text));
        return Flow::kOn;
      case Node::Kind::kCall:
        run_call(node, scope, out);
        return Flow::kOn;
      case Node::Kind::kFilter:
        print(filtered(*node.expression, captured(node.body, scope), scope).to_text(), out);
        return Flow::kOn;
      case Node::Kind::kBreak:
        return Flow::kBreak;
      case Node::Kind::kContinue:
        return Flow::kContinue;
    }
    return Flow::kOn;
  }

  static void print(const std::string& text, std::string& out) {
    out += text;
    if (out.size() > kLongestText) user_error("the text becomes too long");
  }

  // What a body prints, in a scope of its own.
  std::string captured(const std::vector<NodePtr>& body, const Scope& scope) {
    Scope inner{{}, &scope};
    std::string text;
    run_body(body, inner, text);
    return text;
  }

  // A chain of filters over a body's text: the innermost operand is left out in the tree.
  Value filtered(const Expression& filter, Value text, const Scope& scope) {
    const Expression* inner = filter.parts[0].get();
    const Value operand = inner == nullptr ? std::move(text) : filtered(*inner, text, scope);
    return apply_filter(filter.text, operand, evaluate_arguments(filter.arguments, scope));
  }

  static void assign(const std::vector<std::string>& names, const Value& value, Scope& scope) {
    if (names.size() == 1) return scope.names.set(names[0], value);
    const List items = value.items();
    if (items.size() != names.size()) {
      user_error(names.size(), " names (", join(names, ", "), ") for ", items.size(), " values");
    }
    for (size_t i = 0; i < names.size(); ++i) scope.names.set(names[i], items[i]);
  }

  Flow run_for(const Node& node, Scope& scope, std::string& out) {
    const Value collection = evaluate(*node.expression, scope);
    List items;
    for (const Value& item : collection.items()) {
      if (node.condition) {
        Scope inner{{}, &scope};
        assign(node.names, item, inner);
        if (!evaluate(*node.condition, inner).truth()) continue;
      }
      items.push_back(item);
    }
    if (items.empty()) return run_body(node.otherwise, scope, out);
    for (size_t i = 0; i < items.size(); ++i) {
      count_step(node.line);
      Scope inner{{}, &scope};
      assign(node.names, items[i], inner);
      inner.names.set("loop", loop_state(items, i));
      if (run_body(node.body, inner, out) == Flow::kBreak) break;
    }
    return Flow::kOn;
  }

  static Value loop_state(const List& items, size_t i) {
    const auto index = static_cast<int64_t>(i);
    const auto size = static_cast<int64_t>(items.size());
    Dict loop;
    loop.is_namespace = true;  // its fields are no methods of a dictionary
    loop.set("index", index + 1);
    loop.set("index0", index);
    loop.set("revindex", size - index);
    loop.set("revindex0", size - index - 1);
    loop.set("first", index == 0);
    loop.set("last", index + 1 == size);
    loop.set("length", size);
    if (i > 0) loop.set("previtem", items[i - 1]);
    if (i + 1 < items.size()) loop.set("nextitem", items[i + 1]);
    loop.set("cycle", Function([i](const Arguments& arguments) -> Value {
               if (arguments.positional.empty()) user_error("loop.cycle: needs values");
               return arguments.positional[i % arguments.positional.size()];
             }));
    return loop;
  }

  void run_set(const Node& node, Scope& scope) {
    Value value;
    if (node.expression) {
      value = evaluate(*node.expression, scope);
    } else {
      value = captured(node.body, scope);
      if (node.condition) value = filtered(*node.condition, value, scope);
    }
    if (node.attribute.empty()) return assign(node.names, value, scope);
    const Value* object = scope.find(node.names[0]);
    Dict* dict = object == nullptr ? nullptr : object->mutable_dict();
    if (dict == nullptr || !dict->is_namespace) {
      user_error("only attributes of a namespace() can be set, and '", node.names[0], "' is none");
    }
    if (value.holds_namespace()) user_error("a namespace cannot be kept in a namespace here");
    dict->set(node.attribute, value);
  }

  // A macro sees the names of the template around it, not those of its caller.
  Value make_macro(const Node& node, const Scope& scope, const std::string& name) {
    if (!scope.life) scope.life = std::make_shared<bool>(true);
    const std::weak_ptr<bool> life = scope.life;
    return Function([this, &node, &scope, life, name](const Arguments& arguments) -> Value {
      if (life.expired()) user_error("macro '", name, "' is called where its names are gone");
      Scope inner{{}, &scope};
      bind_parameters(node, arguments, name, inner);
      std::string text;
      run_body(node.body, inner, text);
      return text;
    });
  }

  void bind_parameters(const Node& node, const Arguments& arguments, const std::string& name,
                       Scope& inner) {
    if (arguments.positional.size() > node.parameters.size()) {
      user_error("macro '", name, "' takes ", node.parameters.size(), " arguments, not ",
                 arguments.positional.size());
    }
    for (size_t i = 0; i < node.parameters.size(); ++i) {
      const Parameter& parameter = node.parameters[i];
      if (const Value* given = arguments.get(i, parameter.name)) {
        inner.names.set(parameter.name, *given);
      } else if (parameter.fallback) {
        inner.names.set(parameter.name, evaluate(*parameter.fallback, inner));
      } else {
        inner.names.set(parameter.name, Undefined{parameter.name});
      }
    }
    for (const auto& [key, value] : arguments.named) {
      const bool is_known =
          key == "caller" ||
          std::any_of(node.parameters.begin(), node.parameters.end(),
                      [&wanted = key](const Parameter& p) { return p.name == wanted; });
      if (!is_known) user_error("macro '", name, "' has no parameter '", key, "'");
      if (key == "caller") inner.names.set(key, value);
    }
  }

  void run_call(const Node& node, Scope& scope, std::string& out) {
    const Value callee = evaluate(*node.expression->parts[0], scope);
    Arguments arguments = evaluate_arguments(node.expression->arguments, scope);
    arguments.named.emplace_back("caller", make_macro(node, scope, "caller"));
    print(call(callee, arguments).to_text(), out);
  }

  static Value call(const Value& callee, const Arguments& arguments) {
    const Function* function = callee.function();
    if (function == nullptr) user_error(callee.kind(), " cannot be called");
    return (*function)(arguments);
  }

  Arguments evaluate_arguments(const CallArguments& arguments, const Scope& scope) {
    Arguments result;
    for (const ExpressionPtr& part : arguments.positional) {
      result.positional.push_back(evaluate(*part, scope));
    }
    for (const auto& [name, part] : arguments.named) {
      result.named.emplace_back(name, evaluate(*part, scope));
    }
    return result;
  }

  Value evaluate(const Expression& expression, const Scope& scope) {
    return at_line(expression.line, [&] {
      Value value = evaluate_kind(expression, scope);
      if (const std::string* text = value.text()) spend(text->size());  // lists are shared
      return value;
    });
  }

  Value evaluate_kind(const Expression& expression, const Scope& scope) {
    count_step(expression.line);
    const auto part = [&](size_t i) { return evaluate(*expression.parts[i], scope); };
    switch (expression.kind) {
      case Kind::kLiteral:
        return expression.value;
      case Kind::kName: {
        const Value* found = scope.find(expression.text);
        return found != nullptr ? *found : Value(Undefined{expression.text});
      }
      case Kind::kList:
      case Kind::kTuple: {
        List items;
        for (size_t i = 0; i < expression.parts.size(); ++i) items.push_back(part(i));
        return Value(std::move(items), expression.kind == Kind::kTuple);
      }
      case Kind::kDict:
        return evaluate_dict(expression, scope);
      case Kind::kAttribute:
        return attribute_of(part(0), expression.text);
      case Kind::kItem:
        return item_of(part(0), part(1));
      case Kind::kSlice:
        return evaluate_slice(expression, scope);
      case Kind::kCall: {
        const Value callee = part(0);
        return call(callee, evaluate_arguments(expression.arguments, scope));
      }
      case Kind::kFilter:
        return apply_filter(expression.text, part(0),
                            evaluate_arguments(expression.arguments, scope));
      case Kind::kTest:
        return apply_test(expression.text, part(0),
                          evaluate_arguments(expression.arguments, scope));
      case Kind::kUnary:
        return evaluate_unary(expression.text, part(0));
      case Kind::kBinary:
        return evaluate_binary(expression, scope);
      case Kind::kCondition:
        if (part(0).truth()) return part(1);
        return expression.parts[2] ? part(2) : Value();
    }
    return {};
  }

  Value evaluate_dict(const Expression& expression, const Scope& scope) {
    Dict dict;
    for (size_t i = 0; i + 1 < expression.parts.size(); i += 2) {
      const Value key = evaluate(*expression.parts[i], scope);
      if (!key.text()) user_error("a dictionary's key must be a string here, not ", key.kind());
      dict.set(*key.text(), evaluate(*expression.parts[i + 1], scope));
    }
    return dict;
  }

  Value evaluate_slice(const Expression& expression, const Scope& scope) {
    Value bounds[3];
    const Value* given[3] = {};
    for (size_t i = 0; i < 3; ++i) {
      if (!expression.parts[i + 1]) continue;
      bounds[i] = evaluate(*expression.parts[i + 1], scope);
      given[i] = &bounds[i];
    }
    return slice(evaluate(*expression.parts[0], scope), given[0], given[1], given[2]);
  }

  static Value evaluate_unary(const std::string& sign, const Value& value) {
    if (sign == "not") return !value.truth();
    return calculate(sign, int64_t{0}, value);
  }

  Value evaluate_binary(const Expression& expression, const Scope& scope) {
    const std::string& sign = expression.text;
    const Value left = evaluate(*expression.parts[0], scope);
    if (sign == "or") return left.truth() ? left : evaluate(*expression.parts[1], scope);
    if (sign == "and") return left.truth() ? evaluate(*expression.parts[1], scope) : left;
    const Value right = evaluate(*expression.parts[1], scope);
    spend(left.size() + right.size());
    if (sign == "==") return left.equals(right);
    if (sign == "!=") return !left.equals(right);
    if (sign == "<") return left.less(right);
    if (sign == ">") return right.less(left);
    if (sign == "<=") return left.less(right) || left.equals(right);
    if (sign == ">=") return right.less(left) || left.equals(right);
    if (sign == "in") return contains(right, left);
    if (sign == "not in") return !contains(right, left);
    return calculate(sign, left, right);
  }

  Scope globals_;
  int64_t steps_ = 0;
  int depth_ = 0;
};

}  // namespace

std::string run(const Node& root, Dict variables) {
  return Interpreter(std::move(variables)).run(root);
}

}  // namespace unlearn::jinja
