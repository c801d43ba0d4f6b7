// Functions of the environment: jinja2's, and those that transformers adds.
#include <ctime>

#include "jinja/functions.h"
#include "unlearn/core/error.h"

namespace unlearn::jinja {
namespace {

std::string first_text(const Arguments& arguments, const char* name) {
  const Value* given = arguments.get(0, name);
  return given == nullptr ? "" : given->to_text();
}

Value range(const Arguments& arguments) {
  constexpr int64_t kMost = 100000;  // as jinja2's sandbox
  std::vector<int64_t> numbers;
  for (const Value& value : arguments.positional) {
    if (!value.as<int64_t>()) user_error("range: whole numbers are needed, not ", value.kind());
    numbers.push_back(*value.as<int64_t>());
  }
  if (numbers.empty() || numbers.size() > 3) user_error("range: takes one to three numbers");
  const int64_t begin = numbers.size() == 1 ? 0 : numbers[0];
  const int64_t end = numbers.size() == 1 ? numbers[0] : numbers[1];
  const int64_t step = numbers.size() == 3 ? numbers[2] : 1;
  if (step == 0) user_error("range: the step cannot be 0");
  for (const int64_t number : {begin, end, step}) {
    if (number > INT64_MAX / 4 || number < INT64_MIN / 4) {
      user_error("range: the numbers are too large");  // (i + step must not overflow)
    }
  }
  List items;
  for (int64_t i = begin; step > 0 ? i < end : i > end; i += step) {
    if (static_cast<int64_t>(items.size()) == kMost)
      user_error("range: more than ", kMost, " numbers");
    items.emplace_back(i);
  }
  return items;
}

Value dictionary(const Arguments& arguments, bool is_namespace) {
  Dict dict;
  for (const Value& value : arguments.positional) {
    if (!value.dict()) user_error("namespace, dict: a dictionary is needed, not ", value.kind());
    for (const auto& [name, item] : value.dict()->entries) dict.set(name, item);
  }
  for (const auto& [name, value] : arguments.named) dict.set(name, value);
  dict.is_namespace = is_namespace;
  return dict;
}

Value formatted_now(const Arguments& arguments) {
  const std::string format = first_text(arguments, "format");
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char text[256];
  const size_t size = std::strftime(text, sizeof text, format.c_str(), &local);
  return std::string(text, size);
}

}  // namespace

Dict global_functions() {
  Dict globals;
  globals.set("range", Function(range));
  globals.set("namespace", Function([](const Arguments& a) { return dictionary(a, true); }));
  globals.set("dict", Function([](const Arguments& a) { return dictionary(a, false); }));
  globals.set("raise_exception", Function([](const Arguments& a) -> Value {
                user_error("the template refuses: ", first_text(a, "message"));
              }));
  globals.set("strftime_now", Function(formatted_now));
  return globals;
}

}  // namespace unlearn::jinja
