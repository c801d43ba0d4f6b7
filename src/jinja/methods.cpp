// Methods of strings and dictionaries, as Python's.
#include <algorithm>
#include <cctype>
#include <map>

#include "jinja/functions.h"
#include "jinja/text.h"
#include "unlearn/core/error.h"

namespace unlearn::jinja {
namespace {

const std::string& string_argument(const Arguments& arguments, size_t index, const char* method) {
  const bool is_there = index < arguments.positional.size() && arguments.positional[index].text();
  if (!is_there) user_error(method, ": a string is needed");
  return *arguments.positional[index].text();
}

// The characters that strip() takes away: all of the argument's, or white space.
std::string strip_set(const Arguments& arguments, const char* method) {
  if (arguments.positional.empty() || arguments.positional[0].is_none()) return "";
  return string_argument(arguments, 0, method);
}

Value split_method(const std::string& text, const Arguments& arguments, bool from_right) {
  const Value* limit = arguments.get(1, "maxsplit");
  const int64_t most = limit == nullptr ? -1 : limit->integer("split: maxsplit");
  const Value* separator = arguments.get(0, "sep");
  const bool by_space = separator == nullptr || separator->is_none();
  if (!by_space && (!separator->text() || separator->text()->empty())) {
    user_error("split: the separator must be a string with something in it");
  }
  List parts;
  for (std::string& part : by_space     ? split_at_space(text, most, from_right)
                           : from_right ? split_from_right(text, *separator->text(), most)
                                        : split_text(text, *separator->text(), most)) {
    parts.emplace_back(std::move(part));
  }
  return parts;
}

// Whether the text begins (ends) with the argument, or with one of a tuple.
bool has_affix(const std::string& text, const Arguments& arguments, bool at_end) {
  if (arguments.positional.empty()) user_error("startswith, endswith: a string is needed");
  const Value& wanted = arguments.positional[0];
  const auto matches = [&](const Value& affix) {
    if (!affix.text()) user_error("startswith, endswith: a string is needed, not ", affix.kind());
    return at_end ? text.ends_with(*affix.text()) : text.starts_with(*affix.text());
  };
  if (const List* several = wanted.list()) {
    return std::any_of(several->begin(), several->end(), matches);
  }
  return matches(wanted);
}

Value find_method(const std::string& text, const Arguments& arguments, bool last) {
  const std::string& wanted = string_argument(arguments, 0, "find");
  const size_t at = last ? text.rfind(wanted) : text.find(wanted);
  if (at == std::string::npos) return int64_t{-1};
  return character_count(std::string_view(text).substr(0, at));
}

constexpr size_t kWorkOfMethod = 4;  // as filters

using StringMethod = Value (*)(const std::string&, const Arguments&);

const std::map<std::string, StringMethod>& string_methods() {
  static const std::map<std::string, StringMethod> methods = {
      {"strip",
       [](const std::string& t, const Arguments& a) -> Value {
         return strip(t, strip_set(a, "strip"), true, true);
       }},
      {"lstrip",
       [](const std::string& t, const Arguments& a) -> Value {
         return strip(t, strip_set(a, "lstrip"), true, false);
       }},
      {"rstrip",
       [](const std::string& t, const Arguments& a) -> Value {
         return strip(t, strip_set(a, "rstrip"), false, true);
       }},
      {"split", [](const std::string& t, const Arguments& a) { return split_method(t, a, false); }},
      {"rsplit", [](const std::string& t, const Arguments& a) { return split_method(t, a, true); }},
      {"splitlines",
       [](const std::string& t, const Arguments&) -> Value {
         List lines;
         for (std::string& line : split_lines(t)) lines.emplace_back(std::move(line));
         return lines;
       }},
      {"replace",
       [](const std::string& t, const Arguments& a) -> Value {
         const Value* most = a.get(2, "count");
         return replaced(t, string_argument(a, 0, "replace"), string_argument(a, 1, "replace"),
                         most == nullptr ? -1 : most->integer("replace"));
       }},
      {"startswith",
       [](const std::string& t, const Arguments& a) -> Value { return has_affix(t, a, false); }},
      {"endswith",
       [](const std::string& t, const Arguments& a) -> Value { return has_affix(t, a, true); }},
      {"removeprefix",
       [](const std::string& t, const Arguments& a) -> Value {
         const std::string& affix = string_argument(a, 0, "removeprefix");
         return t.starts_with(affix) ? t.substr(affix.size()) : t;
       }},
      {"removesuffix",
       [](const std::string& t, const Arguments& a) -> Value {
         const std::string& affix = string_argument(a, 0, "removesuffix");
         return t.ends_with(affix) ? t.substr(0, t.size() - affix.size()) : t;
       }},
      {"find", [](const std::string& t, const Arguments& a) { return find_method(t, a, false); }},
      {"rfind", [](const std::string& t, const Arguments& a) { return find_method(t, a, true); }},
      {"count",
       [](const std::string& t, const Arguments& a) -> Value {
         return static_cast<int64_t>(split_text(t, string_argument(a, 0, "count"), -1).size()) - 1;
       }},
      {"join",
       [](const std::string& t, const Arguments& a) -> Value {
         std::vector<std::string> parts;
         if (a.positional.empty()) user_error("join: a list is needed");
         for (const Value& item : a.positional[0].items()) {
           if (!item.text()) user_error("join: the items must be strings, not ", item.kind());
           parts.push_back(*item.text());
         }
         return joined(parts, t);
       }},
      {"upper", [](const std::string& t, const Arguments&) -> Value { return upper(t); }},
      {"lower", [](const std::string& t, const Arguments&) -> Value { return lower(t); }},
      {"title", [](const std::string& t, const Arguments&) -> Value { return title(t); }},
      {"capitalize",
       [](const std::string& t, const Arguments&) -> Value { return capitalized(t); }},
      {"isdigit",
       [](const std::string& t, const Arguments&) -> Value {
         return !t.empty() && t.find_first_not_of("0123456789") == std::string::npos;
       }},
      {"isspace",
       [](const std::string& t, const Arguments&) -> Value {
         return !t.empty() && strip(t, "", true, true).empty();
       }},
  };
  return methods;
}

Value pair_of(const Entry& entry) { return Value(List{Value(entry.first), entry.second}, true); }

Value dict_method(const Value& value, const std::string& name) {
  const Dict& dict = *value.dict();
  if (name == "items" || name == "keys" || name == "values") {
    const auto listed = [dict, name](const Arguments&) -> Value {
      List result;
      for (const Entry& entry : dict.entries) {
        result.push_back(name == "items"  ? pair_of(entry)
                         : name == "keys" ? Value(entry.first)
                                          : entry.second);
      }
      return result;
    };
    return {Function(listed), value};
  }
  if (name == "get") {
    const auto get = [dict](const Arguments& arguments) -> Value {
      const Value* key = arguments.get(0, "key");
      const Value* found = key != nullptr && key->text() ? dict.find(*key->text()) : nullptr;
      if (found != nullptr) return *found;
      const Value* fallback = arguments.get(1, "default");
      return fallback != nullptr ? *fallback : Value(None{});
    };
    return {Function(get), value};
  }
  return {};
}

}  // namespace

Value method_of(const Value& value, const std::string& name) {
  spend(value.size());
  if (const std::string* text = value.text()) {
    const auto found = string_methods().find(name);
    if (found == string_methods().end()) return Undefined{name};
    return Function([own = *text, method = found->second](const Arguments& arguments) {
      spend(kWorkOfMethod * own.size());
      return method(own, arguments);
    });
  }
  static const std::vector<std::string> kChanging = {"append", "extend", "insert", "remove", "pop",
                                                     "clear",  "update", "sort",   "reverse"};
  const bool changes = std::find(kChanging.begin(), kChanging.end(), name) != kChanging.end();
  const Dict* dict = value.dict();
  if (changes && (value.list() || (dict != nullptr && !dict->find(name)))) {
    user_error("'", name, "' would change ", value.kind(),
               ", which the sandbox of chat templates does not allow");
  }
  if (dict != nullptr) {
    Value method = dict_method(value, name);
    if (!method.is_undefined()) return method;
  }
  if (const List* list = value.list(); list != nullptr && (name == "index" || name == "count")) {
    const auto count = [own = *list, name](const Arguments& arguments) -> Value {
      if (arguments.positional.empty()) user_error(name, ": a value is needed");
      const auto is_it = [&](const Value& item) { return item.equals(arguments.positional[0]); };
      if (name == "count") return int64_t{std::count_if(own.begin(), own.end(), is_it)};
      const auto found = std::find_if(own.begin(), own.end(), is_it);
      if (found == own.end()) user_error("index: the value is not in the list");
      return int64_t{found - own.begin()};
    };
    return {Function(count), value};
  }
  return Undefined{name};
}

}  // namespace unlearn::jinja
