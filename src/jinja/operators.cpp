#include <algorithm>
#include <cmath>

#include "jinja/functions.h"
#include "jinja/text.h"
#include "unlearn/core/error.h"

namespace unlearn::jinja {
namespace {

constexpr size_t kMostItems = size_t{1} << 20;  // of a list that a template may make

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
  const size_t most = value.text() ? kLongestResult : kMostItems;
  if (size != 0 && count > most / size) user_error("the result is too large");
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
  Indices result{0, 0, given(step) ? step->integer("a slice's step") : 1};
  if (result.step == 0) user_error("a slice's step cannot be 0");
  result.step = std::clamp(result.step, -size - 1, size + 1);  // (i + step must not overflow)
  const bool backwards = result.step < 0;
  const auto clamp = [&](const Value* bound, int64_t fallback) {
    if (!given(bound)) return fallback;
    const int64_t own = bound->integer("a slice's bound");
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
    check_length(text.size());
    return text;
  }
  if (is_integral(left) && is_integral(right)) {
    return integer_result(sign, integer(left), integer(right));
  }
  if (left.is_number() && right.is_number()) {
    return float_result(sign, left.number(), right.number());
  }
  if (sign == "+" && left.text() && right.text()) {
    check_length(left.text()->size() + right.text()->size());
    return *left.text() + *right.text();
  }
  if (sign == "+" && left.list() && right.list() && left.is_tuple() == right.is_tuple()) {
    List joined = *left.list();
    joined.insert(joined.end(), right.list()->begin(), right.list()->end());
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
  spend(value.size());
  const auto of = [&](const auto& all, const auto& add) {
    const auto size = static_cast<int64_t>(all.size());
    const Indices range = slice_indices(size, begin, end, step);
    for (int64_t i = range.begin; range.step > 0 ? i < range.end : i > range.end; i += range.step) {
      add(all[static_cast<size_t>(i)]);
    }
  };
  if (value.text()) {
    std::string text;
    of(characters(*value.text()), [&](std::string_view character) { text += character; });
    return text;
  }
  List chosen;
  of(*value.list(), [&](const Value& item) { chosen.push_back(item); });
  return Value(std::move(chosen), value.is_tuple());
}

bool contains(const Value& container, const Value& item) {
  spend(container.size());
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
    const auto of = [&](const auto& items, const auto& made) -> Value {
      const auto size = static_cast<int64_t>(items.size());
      const int64_t at = integer(key) < 0 ? integer(key) + size : integer(key);
      if (at >= 0 && at < size) return made(items[static_cast<size_t>(at)]);
      return Undefined{cat("[", integer(key), "]")};
    };
    if (value.list()) return of(*value.list(), [](const Value& item) { return item; });
    spend(value.size());
    return of(characters(*value.text()), [](std::string_view c) { return std::string(c); });
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
