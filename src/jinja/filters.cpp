// Filters, as jinja2's and transformers' tojson.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "jinja/functions.h"
#include "jinja/names.h"
#include "jinja/text.h"
#include "unlearn/core/error.h"

namespace unlearn::jinja {
namespace {

constexpr int64_t kWidestIndent = 1000;
// Going through a text's characters or a list's items takes about so much longer than copying it.
constexpr size_t kWorkOfFilter = 4;

using Filter = Value (*)(const Value&, const Arguments&);

std::string argument_text(const Arguments& arguments, size_t index, const char* name,
                          const std::string& fallback) {
  const Value* given = arguments.get(index, name);
  return given == nullptr ? fallback : given->to_text();
}

bool argument_truth(const Arguments& arguments, size_t index, const char* name) {
  const Value* given = arguments.get(index, name);
  return given != nullptr && given->truth();
}

// "a.b.0" of an item.
Value path_of(Value value, const std::string& path) {
  for (const std::string& part : split_text(path, ".", -1)) {
    const bool is_number =
        !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
    value =
        is_number ? item_of(value, int64_t{std::stoll(part.substr(0, 18))}) : item_of(value, part);
  }
  return value;
}

Arguments without_first(const Arguments& arguments, size_t count) {
  Arguments rest = arguments;
  const auto taken = static_cast<std::ptrdiff_t>(std::min(count, rest.positional.size()));
  rest.positional.erase(rest.positional.begin(), rest.positional.begin() + taken);
  return rest;
}

Value mapped(const Value& value, const Arguments& arguments) {
  const Value* attribute = nullptr;
  for (const auto& [name, given] : arguments.named) {
    if (name == "attribute") attribute = &given;
  }
  List result;
  for (const Value& item : value.items()) {
    if (attribute != nullptr) {
      Value found = path_of(item, attribute->to_text());
      const Value* fallback = arguments.get(SIZE_MAX, "default");
      result.push_back(found.is_undefined() && fallback != nullptr ? *fallback : found);
    } else {
      if (arguments.positional.empty()) user_error("map: needs a filter's name or attribute=");
      result.push_back(
          apply_filter(arguments.positional[0].to_text(), item, without_first(arguments, 1)));
    }
  }
  return result;
}

// select, reject, selectattr, rejectattr.
Value chosen(const Value& value, const Arguments& arguments, bool by_attribute, bool keep) {
  const size_t skip = by_attribute ? 1 : 0;
  if (arguments.positional.size() < skip) user_error("selectattr, rejectattr: need an attribute");
  List result;
  for (const Value& item : value.items()) {
    const Value looked_at = by_attribute ? path_of(item, arguments.positional[0].to_text()) : item;
    const bool holds = arguments.positional.size() > skip
                           ? apply_test(arguments.positional[skip].to_text(), looked_at,
                                        without_first(arguments, skip + 1))
                           : looked_at.truth();
    if (holds == keep) result.push_back(item);
  }
  return result;
}

// Jinja compares texts without their case unless asked for.
Value sort_key(const Value& item, const std::string& attribute, bool case_sensitive) {
  Value key = attribute.empty() ? item : path_of(item, attribute);
  if (key.text() && !case_sensitive) return lower(*key.text());
  return key;
}

Value sorted(const Value& value, const Arguments& arguments) {
  const bool reverse = argument_truth(arguments, 0, "reverse");
  const bool case_sensitive = argument_truth(arguments, 1, "case_sensitive");
  const std::string attribute = argument_text(arguments, 2, "attribute", "");
  List items = value.items();
  std::stable_sort(items.begin(), items.end(), [&](const Value& a, const Value& b) {
    const Value left = sort_key(a, attribute, case_sensitive);
    const Value right = sort_key(b, attribute, case_sensitive);
    return reverse ? right.less(left) : left.less(right);
  });
  return items;
}

Value dictsorted(const Value& value, const Arguments& arguments) {
  if (!value.dict()) user_error("dictsort: a dictionary is needed, not ", value.kind());
  const bool case_sensitive = argument_truth(arguments, 0, "case_sensitive");
  const size_t by = argument_text(arguments, 1, "by", "key") == "value" ? 1 : 0;
  const bool reverse = argument_truth(arguments, 2, "reverse");
  List pairs;
  for (const Entry& entry : value.dict()->entries) {
    pairs.push_back(Value(List{Value(entry.first), entry.second}, true));
  }
  std::stable_sort(pairs.begin(), pairs.end(), [&](const Value& a, const Value& b) {
    const Value left = sort_key((*a.list())[by], "", case_sensitive);
    const Value right = sort_key((*b.list())[by], "", case_sensitive);
    return reverse ? right.less(left) : left.less(right);
  });
  return pairs;
}

Value unique(const Value& value, const Arguments& arguments) {
  const bool case_sensitive = argument_truth(arguments, 0, "case_sensitive");
  const std::string attribute = argument_text(arguments, 1, "attribute", "");
  List result, seen;
  for (const Value& item : value.items()) {
    const Value key = sort_key(item, attribute, case_sensitive);
    spend(seen.size() * sizeof(Value));
    if (std::any_of(seen.begin(), seen.end(), [&](const Value& v) { return v.equals(key); })) {
      continue;
    }
    seen.push_back(key);
    result.push_back(item);
  }
  return result;
}

Value reversed(const Value& value, const Arguments&) {
  if (const std::string* text = value.text()) {
    std::string backwards;
    const auto all = characters(*text);
    for (auto at = all.rbegin(); at != all.rend(); ++at) backwards += *at;
    return backwards;
  }
  List items = value.items();
  std::reverse(items.begin(), items.end());
  return items;
}

Value length(const Value& value, const Arguments&) {
  if (value.is_undefined()) return int64_t{0};
  if (const std::string* text = value.text()) return character_count(*text);
  if (const List* list = value.list()) return static_cast<int64_t>(list->size());
  return static_cast<int64_t>(value.items().size());
}

Value indented(const Value& value, const Arguments& arguments) {
  const Value* width = arguments.get(0, "width");
  const std::string pad =
      width != nullptr && width->text()
          ? *width->text()
          : std::string(static_cast<size_t>(std::clamp<int64_t>(
                            width == nullptr ? 4 : width->integer("indent"), 0, kWidestIndent)),
                        ' ');
  const bool first = argument_truth(arguments, 1, "first");
  const bool blank = argument_truth(arguments, 2, "blank");
  std::string text = first ? pad : "";
  bool is_first = true;
  for (const std::string& line : split_text(value.to_text(), "\n", -1)) {
    if (!is_first) text += (line.empty() && !blank) ? "\n" : "\n" + pad;
    text += line;
    check_length(text.size());
    is_first = false;
  }
  return text;
}

Value to_integer(const Value& value, const Arguments& arguments) {
  const Value* fallback = arguments.get(0, "default");
  const Value otherwise = fallback == nullptr ? Value(int64_t{0}) : *fallback;
  if (value.is_number()) {
    const double number = value.number();
    return std::isfinite(number) && std::abs(number) < 9e18 ? Value(static_cast<int64_t>(number))
                                                            : otherwise;
  }
  if (!value.text()) return otherwise;
  const std::string text = strip(*value.text(), "", true, true);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_read = error == std::errc() && end == text.data() + text.size();
  return is_read && std::abs(number) < 9e15 ? Value(static_cast<int64_t>(number)) : otherwise;
}

Value to_float(const Value& value, const Arguments& arguments) {
  if (value.is_number()) return value.number();
  const Value* fallback = arguments.get(0, "default");
  const Value otherwise = fallback == nullptr ? Value(0.0) : *fallback;
  if (!value.text()) return otherwise;
  const std::string text = strip(*value.text(), "", true, true);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? Value(number) : otherwise;
}

Value json_text(const Value& value, const Arguments& arguments) {
  if (arguments.get(SIZE_MAX, "separators") != nullptr)
    user_error("tojson: separators is not known here");
  // transformers: tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False)
  if (argument_truth(arguments, 0, "ensure_ascii"))
    user_error("tojson: ensure_ascii is not known here");
  const Value* indent = arguments.get(1, "indent");
  const bool has_indent = indent != nullptr && !indent->is_none();
  const int64_t width = has_indent ? indent->integer("tojson: indent") : -1;
  if (has_indent && (width < 0 || width > kWidestIndent)) {
    user_error("tojson: indent must be from 0 to ", kWidestIndent, ", not ", width);
  }
  return value.to_json(width, argument_truth(arguments, 3, "sort_keys"));
}

Value extreme(const Value& value, bool largest) {
  const List items = value.items();
  const auto less = [](const Value& a, const Value& b) { return a.less(b); };
  const auto found = largest ? std::max_element(items.begin(), items.end(), less)
                             : std::min_element(items.begin(), items.end(), less);
  return found == items.end() ? Value() : *found;
}

Value rounded(const Value& value, const Arguments& arguments) {
  const Value* digits = arguments.get(0, "precision");
  const double scale = std::pow(10.0, digits == nullptr ? 0.0 : digits->number());
  const std::string method = argument_text(arguments, 1, "method", "common");
  const double scaled = value.number() * scale;
  const double whole = method == "ceil"    ? std::ceil(scaled)
                       : method == "floor" ? std::floor(scaled)
                                           : std::nearbyint(scaled);
  return whole / scale;
}

Value joined_filter(const Value& value, const Arguments& arguments) {
  const std::string attribute = argument_text(arguments, 1, "attribute", "");
  std::vector<std::string> parts;
  for (const Value& item : value.items()) {
    parts.push_back((attribute.empty() ? item : path_of(item, attribute)).to_text());
  }
  return joined(parts, argument_text(arguments, 0, "d", ""));
}

Value with_default(const Value& value, const Arguments& arguments) {
  const bool missing =
      value.is_undefined() || (argument_truth(arguments, 1, "boolean") && !value.truth());
  if (!missing) return value;
  const Value* fallback = arguments.get(0, "default_value");
  return fallback == nullptr ? Value("") : *fallback;
}

Value total(const Value& value, const Arguments& arguments) {
  const std::string attribute = argument_text(arguments, 0, "attribute", "");
  Value sum = int64_t{0};
  for (const Value& item : value.items()) {
    sum = calculate("+", sum, attribute.empty() ? item : path_of(item, attribute));
  }
  return sum;
}

Value items_of(const Value& value, const Arguments&) {
  List pairs;
  if (value.is_undefined()) return pairs;
  if (!value.dict()) user_error("items: a dictionary is needed, not ", value.kind());
  for (const Entry& entry : value.dict()->entries) {
    pairs.push_back(Value(List{Value(entry.first), entry.second}, true));
  }
  return pairs;
}

Value edge(const Value& value, bool last) {
  const List items = value.items();
  if (items.empty()) return Undefined{last ? "last" : "first"};
  return last ? items.back() : items.front();
}

const std::map<std::string, Filter>& filters() {
  using A = const Arguments&;
  using V = const Value&;
  static const std::map<std::string, Filter> table = {
      {"trim",
       [](V v, A a) -> Value {
         return strip(v.to_text(), argument_text(a, 0, "chars", ""), true, true);
       }},
      {"upper", [](V v, A) -> Value { return upper(v.to_text()); }},
      {"lower", [](V v, A) -> Value { return lower(v.to_text()); }},
      {"title", [](V v, A) -> Value { return title(v.to_text()); }},
      {"capitalize", [](V v, A) -> Value { return capitalized(v.to_text()); }},
      {"string", [](V v, A) -> Value { return v.to_text(); }},
      {"safe", [](V v, A) -> Value { return v; }},
      {"replace",
       [](V v, A a) -> Value {
         const Value* most = a.get(2, "count");
         return replaced(v.to_text(), argument_text(a, 0, "old", ""),
                         argument_text(a, 1, "new", ""),
                         most == nullptr || most->is_none() ? -1 : most->integer("replace"));
       }},
      {"int", to_integer},
      {"float", to_float},
      {"abs",
       [](V v, A) -> Value { return v.less(int64_t{0}) ? calculate("-", int64_t{0}, v) : v; }},
      {"round", rounded},
      {"length", length},
      {"count", length},
      {"default", with_default},
      {"d", with_default},
      {"first", [](V v, A) { return edge(v, false); }},
      {"last", [](V v, A) { return edge(v, true); }},
      {"list", [](V v, A) -> Value { return v.items(); }},
      {"items", items_of},
      {"join", joined_filter},
      {"map", mapped},
      {"select", [](V v, A a) { return chosen(v, a, false, true); }},
      {"reject", [](V v, A a) { return chosen(v, a, false, false); }},
      {"selectattr", [](V v, A a) { return chosen(v, a, true, true); }},
      {"rejectattr", [](V v, A a) { return chosen(v, a, true, false); }},
      {"sort", sorted},
      {"dictsort", dictsorted},
      {"unique", unique},
      {"reverse", reversed},
      {"sum", total},
      {"min", [](V v, A) { return extreme(v, false); }},
      {"max", [](V v, A) { return extreme(v, true); }},
      {"indent", indented},
      {"tojson", json_text},
  };
  return table;
}

}  // namespace

Value apply_filter(const std::string& name, const Value& value, const Arguments& arguments) {
  const auto found = filters().find(name);
  if (found == filters().end()) {
    user_error("the filter '", name, "' is not known here; known: ", names_of(filters()));
  }
  spend(kWorkOfFilter * value.size());
  return found->second(value, arguments);
}

}  // namespace unlearn::jinja
