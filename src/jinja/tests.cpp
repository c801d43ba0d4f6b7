// What may stand behind "is", as jinja2's.
#include <map>

#include "jinja/functions.h"
#include "jinja/names.h"
#include "jinja/text.h"
#include "unlearn/core/error.h"

namespace unlearn::jinja {
namespace {

bool is_of(const Value& value, const Arguments& arguments, const std::string& test) {
  if (arguments.positional.empty())
    user_error("test '", test, "': a value to compare with is needed");
  const Value& other = arguments.positional[0];
  if (test == "eq") return value.equals(other);
  if (test == "ne") return !value.equals(other);
  if (test == "lt") return value.less(other);
  if (test == "gt") return other.less(value);
  if (test == "le") return value.less(other) || value.equals(other);
  if (test == "ge") return other.less(value) || value.equals(other);
  if (test == "in") return contains(other, value);
  return calculate("%", value, other).number() == 0;  // divisibleby
}

using Test = bool (*)(const Value&);

const std::map<std::string, Test>& tests() {
  using V = const Value&;
  static const std::map<std::string, Test> table = {
      {"defined", [](V v) { return !v.is_undefined(); }},
      {"undefined", [](V v) { return v.is_undefined(); }},
      {"none", [](V v) { return v.is_none(); }},
      {"boolean", [](V v) { return v.is_bool(); }},
      {"true", [](V v) { return v.is_bool() && v.truth(); }},
      {"false", [](V v) { return v.is_bool() && !v.truth(); }},
      {"integer", [](V v) { return v.as<int64_t>() != nullptr; }},
      {"float", [](V v) { return v.as<double>() != nullptr; }},
      {"number", [](V v) { return v.is_number(); }},
      {"string", [](V v) { return v.text() != nullptr; }},
      {"mapping", [](V v) { return v.dict() != nullptr; }},
      {"sequence", [](V v) { return v.text() || v.list() || v.dict(); }},
      {"iterable", [](V v) { return v.text() || v.list() || v.dict() || v.is_undefined(); }},
      {"callable", [](V v) { return v.function() != nullptr; }},
      {"even", [](V v) { return calculate("%", v, int64_t{2}).number() == 0; }},
      {"odd", [](V v) { return calculate("%", v, int64_t{2}).number() == 1; }},
      {"lower", [](V v) { return lower(v.to_text()) == v.to_text(); }},
      {"upper", [](V v) { return upper(v.to_text()) == v.to_text(); }},
  };
  return table;
}

const std::map<std::string, std::string>& comparing_tests() {
  static const std::map<std::string, std::string> table = {{"eq", "eq"},
                                                           {"equalto", "eq"},
                                                           {"==", "eq"},
                                                           {"ne", "ne"},
                                                           {"!=", "ne"},
                                                           {"lt", "lt"},
                                                           {"lessthan", "lt"},
                                                           {"<", "lt"},
                                                           {"gt", "gt"},
                                                           {"greaterthan", "gt"},
                                                           {">", "gt"},
                                                           {"le", "le"},
                                                           {"<=", "le"},
                                                           {"ge", "ge"},
                                                           {">=", "ge"},
                                                           {"in", "in"},
                                                           {"divisibleby", "divisibleby"}};
  return table;
}

}  // namespace

bool apply_test(const std::string& name, const Value& value, const Arguments& arguments) {
  spend(value.size());
  if (const auto comparing = comparing_tests().find(name); comparing != comparing_tests().end()) {
    return is_of(value, arguments, comparing->second);
  }
  const auto found = tests().find(name);
  if (found == tests().end()) {
    user_error("the test '", name, "' is not known here; known: ", names_of(tests()), ", ",
               names_of(comparing_tests()));
  }
  return found->second(value);
}

}  // namespace unlearn::jinja
