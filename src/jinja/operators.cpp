#include <algorithm>
#include <cmath>

#include "jinja/functions.h"
#include "unlearn/core/error.h"

namespace unlearn::jinja {
namespace {

constexpr size_t kLargest = size_t{1} << 24;  // bytes or items that a template may make

bool is_integral(const Value& value) { return value.is_bool() || value.as<int64_t>() != nullptr; }

int64_t integer(const Value& value) {
  const int64_t* own = value.as<int64_t>();
  return own != nullptr ? *own : static_cast<int64_t>(value.number());
}

int64_t floor_divide(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? quotient - 1 : quotient;
}

Value integer_result(const std::string& sign, int64_t a, int64_t b) {
  int64_t result = 0;
  bool overflow = false;
  if (sign == "+") {
    overflow = __builtin_add_overflow(a, b, &result);
  } else if (sign == "-") {
    overflow = __builtin_sub_overflow(a, b, &result);
  } else if (sign == "*") {
    overflow = __builtin_mul_overflow(a, b, &result);
  } else {
    if (b == 0) user_error("division by zero");
    if (a == INT64_MIN && b == -1) user_error("the number is too large");
    if (sign == "/") return static_cast<double>(a) / static_cast<double>(b);
    result = sign == "//" ? floor_divide(a, b) : a - floor_divide(a, b) * b;
  }
  if (overflow) user_error("the number is too large");
  return result;
}

Value float_result(const std::string& sign, double a, double b) {
  if (sign == "+") return a + b;
  if (sign == "-") return a - b;
  if (sign == "*") return a * b;
  if (b == 0) user_error("division by zero");
  if (sign == "/") return a / b;
  if (sign == "//") return std::floor(a / b);
  return a - std::floor(a / b) * b;
}

Value repeated(const Value& value, int64_t times) {
  const auto count = static_cast<size_t>(std::max<int64_t>(0, times));
  const size_t size = value.text() ? value.text()->size() : value.list()->size();
  if (size != 0 && count > kLargest / size) user_error("the result is too large");
  if (const std::string* text = value.text()) {
    std::string result;
    for (size_t i = 0; i < count; ++i) result += *text;
    return result;
  }
  List result;
  for (size_t i = 0; i < count; ++i) {
    result.insert(result.end(), value.list()->begin(), value.list()->end());
  }
  return Value(std::move(result), value.is_tuple());
}

// Start, stop and step of a slice as Python's slice.indices.
struct Indices {
  int64_t begin, end, step;
};

Indices slice_indices(int64_t size, const Value* begin, const Value* end, const Value* step) {
  const auto given = [](const Value* bound) { return bound != nullptr && !bound->is_none(); };
  Indices result{0, 0, given(step) ? integer(*step) : 1};
  if (result.step == 0) user_error("a slice's step cannot be 0");
  const bool backwards = result.step < 0;
  const auto clamp = [&](const Value* bound, int64_t fallback) {
    if (!given(bound)) return fallback;
    const int64_t own = integer(*bound);
    const int64_t at = own < 0 ? own + size : own;
    return backwards ? std::clamp<int64_t>(at, -1, size - 1) : std::clamp<int64_t>(at, 0, size);
  };
  result.begin = clamp(begin, backwards ? size - 1 : 0);
  result.end = clamp(end, backwards ? -1 : size);
  return result;
}

}  // namespace

Value calculate(const std::string& sign, const Value& left, const Value& right) {
  if (sign == "~") {
    std::string text = left.to_text() + right.to_text();
    if (text.size() > kLargest) user_error("the text is too large");
    return text;
  }
  if (is_integral(left) && is_integral(right)) {
    return integer_result(sign, integer(left), integer(right));
  }
  if (left.is_number() && right.is_number()) {
    return float_result(sign, left.number(), right.number());
  }
  if (sign == "+" && left.text() && right.text()) {
    if (left.text()->size() + right.text()->size() > kLargest) user_error("the text is too large");
    return *left.text() + *right.text();
  }
  if (sign == "+" && left.list() && right.list() && left.is_tuple() == right.is_tuple()) {
    List joined = *left.list();
    joined.insert(joined.end(), right.list()->begin(), right.list()->end());
    if (joined.size() > kLargest) user_error("the list is too large");
    return Value(std::move(joined), left.is_tuple());
  }
  if (sign == "*" && is_integral(right) && (left.text() || left.list())) {
    return repeated(left, integer(right));
  }
  if (sign == "*" && is_integral(left) && (right.text() || right.list())) {
    return repeated(right, integer(left));
  }
  user_error("'", sign, "' has no meaning between ", left.kind(), " and ", right.kind());
}

Value slice(const Value& value, const Value* begin, const Value* end, const Value* step) {
  if (!value.text() && !value.list()) user_error("a slice of ", value.kind(), " has no meaning");
  const List items = value.items();
  const Indices range = slice_indices(static_cast<int64_t>(items.size()), begin, end, step);
  List chosen;
  for (int64_t i = range.begin; range.step > 0 ? i < range.end : i > range.end; i += range.step) {
    chosen.push_back(items[static_cast<size_t>(i)]);
  }
  if (!value.text()) return Value(std::move(chosen), value.is_tuple());
  std::string text;
  for (const Value& character : chosen) text += *character.text();
  return text;
}

bool contains(const Value& container, const Value& item) {
  if (const std::string* text = container.text()) {
    if (!item.text()) user_error("'in' a string needs a string, not ", item.kind());
    return text->find(*item.text()) != std::string::npos;
  }
  if (const Dict* dict = container.dict()) {
    return item.text() != nullptr && dict->find(*item.text()) != nullptr;
  }
  if (container.is_undefined()) return false;  // as Jinja: an undefined value is empty
  const List* list = container.list();
  if (list == nullptr) user_error("'in' has no meaning for ", container.kind());
  return std::any_of(list->begin(), list->end(),
                     [&](const Value& own) { return own.equals(item); });
}

Value item_of(const Value& value, const Value& key) {
  if (value.is_undefined()) user_error(value.kind(), " has no items");
  if (const Dict* dict = value.dict(); dict != nullptr && key.text()) {
    if (const Value* found = dict->find(*key.text())) return *found;
  }
  if (is_integral(key) && (value.list() || value.text())) {
    const List items = value.items();
    const auto size = static_cast<int64_t>(items.size());
    const int64_t at = integer(key) < 0 ? integer(key) + size : integer(key);
    if (at >= 0 && at < size) return items[static_cast<size_t>(at)];
    return Undefined{cat("[", integer(key), "]")};
  }
  if (key.text()) {
    Value method = method_of(value, *key.text());
    if (!method.is_undefined()) return method;
  }
  return Undefined{key.to_text()};
}

Value attribute_of(const Value& value, const std::string& name) {
  if (value.is_undefined()) user_error(value.kind(), " has no attribute '", name, "'");
  const Dict* dict = value.dict();
  if (dict == nullptr || !dict->is_namespace) {
    Value method = method_of(value, name);
    if (!method.is_undefined()) return method;
  }
  if (dict != nullptr) {
    if (const Value* found = dict->find(name)) return *found;
  }
  return Undefined{name};
}

}  // namespace unlearn::jinja
