// What templates can call: filters, tests, methods of strings and dictionaries, and functions. One
// table each; a name that is not there is refused.
#pragma once

#include <string>

#include "jinja/value.h"

namespace unlearn::jinja {

// value | name(arguments). UserError for an unknown name.
Value apply_filter(const std::string& name, const Value& value, const Arguments& arguments);
// value is name(arguments). UserError for an unknown name.
bool apply_test(const std::string& name, const Value& value, const Arguments& arguments);
// The method bound to its value; undefined when the value has none of that name. UserError for a
// method that would change a list or a dictionary.
Value method_of(const Value& value, const std::string& name);
// range, namespace, dict, raise_exception, strftime_now.
Dict global_functions();

// value.name, and value[key]: undefined where there is nothing.
Value attribute_of(const Value& value, const std::string& name);
Value item_of(const Value& value, const Value& key);

// Python's a + b, a * b, … for one of + - * / // % ~. UserError for kinds without that meaning.
Value calculate(const std::string& sign, const Value& left, const Value& right);
// Python's value[begin:end:step]; null: left out.
Value slice(const Value& value, const Value* begin, const Value* end, const Value* step);
// Python's `item in container`.
bool contains(const Value& container, const Value& item);

}  // namespace unlearn::jinja
