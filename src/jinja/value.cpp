#include "jinja/value.h"

#include <algorithm>
#include <cmath>

#include "jinja/text.h"
#include "unlearn/core/error.h"

namespace unlearn::jinja {
namespace {

constexpr int64_t kMostWork = int64_t{1} << 29;    // bytes
constexpr size_t kLargestValue = size_t{1} << 26;  // bytes
constexpr size_t kItem = 64;                       // bytes of an item beside its text
constexpr int kDeepestValue = 200;

thread_local int64_t work_left = INT64_MAX;

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Python prints 1.0 for 1.0 and the shortest digits that read back.
std::string float_text(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  std::string text = Json(number).dump();
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string quoted(const std::string& text) {
  const bool has_single = text.find('\'') != std::string::npos;
  const char quote = has_single && text.find('"') == std::string::npos ? '"' : '\'';
  std::string out(1, quote);
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else {
      if (c == quote || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + quote;
}

std::string listed(const List& items, const char* open, const char* close, bool is_tuple) {
  std::vector<std::string> parts;
  for (const Value& item : items) parts.push_back(item.to_repr());
  std::string inner = joined(parts, ", ");
  if (is_tuple && items.size() == 1) inner += ",";
  return open + inner + close;
}

// Nested values as JSON, one line or indented.
class JsonWriter {
 public:
  JsonWriter(int64_t indent, bool sort_keys) : indent_(indent), sort_keys_(sort_keys) {}

  std::string write(const Value& value, int64_t depth = 0) const {
    if (value.is_none()) return "null";
    if (const bool* truth = value.as<bool>()) return *truth ? "true" : "false";
    if (value.as<int64_t>() || value.as<double>()) return value.to_text();
    if (const std::string* text = value.text()) return Json(*text).dump();
    if (const List* list = value.list()) {
      std::vector<std::string> parts;
      for (const Value& item : *list) parts.push_back(write(item, depth + 1));
      return enclose("[", parts, "]", depth);
    }
    if (const Dict* dict = value.dict()) {
      std::vector<Entry> entries = dict->entries;
      if (sort_keys_) {
        std::sort(entries.begin(), entries.end(),
                  [](const Entry& a, const Entry& b) { return a.first < b.first; });
      }
      std::vector<std::string> parts;
      for (const auto& [key, item] : entries) {
        parts.push_back(Json(key).dump() + ": " + write(item, depth + 1));
      }
      return enclose("{", parts, "}", depth);
    }
    user_error("tojson: ", value.kind(), " cannot be written as JSON");
  }

 private:
  std::string enclose(const char* open, const std::vector<std::string>& parts, const char* close,
                      int64_t depth) const {
    if (parts.empty() || indent_ < 0) return open + joined(parts, ", ") + close;
    const auto pad = [&](int64_t levels) {
      return "\n" + std::string(static_cast<size_t>(levels * indent_), ' ');
    };
    return open + pad(depth + 1) + joined(parts, "," + pad(depth + 1)) + pad(depth) + close;
  }

  int64_t indent_;
  bool sort_keys_;
};

}  // namespace

WorkLimit::WorkLimit() : outer_(work_left) { work_left = kMostWork; }
WorkLimit::~WorkLimit() { work_left = outer_; }

void spend(size_t bytes) {
  work_left -= static_cast<int64_t>(std::min<size_t>(bytes, kMostWork));
  if (work_left < 0) user_error("the template makes or copies too much text");
}

const Value* Dict::find(const std::string& key) const {
  for (const auto& [name, value] : entries) {
    if (name == key) return &value;
  }
  return nullptr;
}

Value* Dict::find(const std::string& key) {
  return const_cast<Value*>(std::as_const(*this).find(key));
}

void Dict::set(const std::string& key, Value value) {
  if (Value* known = find(key)) {
    *known = std::move(value);
  } else {
    entries.emplace_back(key, std::move(value));
  }
}

const Value* Arguments::get(size_t index, const std::string& name) const {
  if (index < positional.size()) return &positional[index];
  for (const auto& [key, value] : named) {
    if (key == name) return &value;
  }
  return nullptr;
}

Value::Value(List items, bool is_tuple)
    : data_(std::make_shared<List>(std::move(items))), is_tuple_(is_tuple) {
  for (const Value& item : *list()) add_part(item, kItem);
  spend(size_);
}

Value::Value(Dict items) : data_(std::make_shared<Dict>(std::move(items))) {
  holds_namespace_ = dict()->is_namespace;
  for (const auto& [name, item] : dict()->entries) add_part(item, kItem + name.size());
  if (!dict()->is_namespace)
    spend(size_);  // every turn of a loop has one, and is counted as a step
}

Value::Value(Function function, const Value& held) : Value(std::move(function)) {
  add_part(held, 0);
}

void Value::add_part(const Value& part, size_t own_size) {
  size_ += own_size + part.size();
  depth_ = std::max(depth_, part.depth() + 1);
  holds_namespace_ = holds_namespace_ || part.holds_namespace_;
  if (size_ > kLargestValue) user_error(kind(), " becomes too large");
  if (depth_ > kDeepestValue) user_error(kind(), " is nested too deeply");
}

// A namespace's attributes change after it was made.
int Value::depth() const {
  int deepest = depth_;
  if (const Dict* own = dict(); own != nullptr && own->is_namespace) {
    for (const auto& [name, value] : own->entries) deepest = std::max(deepest, value.depth_ + 1);
  }
  return deepest;
}

Value Value::from_json(const Json& json) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return json.get<int64_t>();
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string:
      return json.get<std::string>();
    case Json::value_t::array: {
      List items;
      for (const Json& item : json) items.push_back(from_json(item));
      return items;
    }
    case Json::value_t::object: {
      Dict dict;
      for (const auto& item : json.items()) dict.set(item.key(), from_json(item.value()));
      return dict;
    }
    default:
      return None{};
  }
}

Dict* Value::mutable_dict() const {
  const auto* pointer = std::get_if<std::shared_ptr<Dict>>(&data_);
  return pointer == nullptr ? nullptr : pointer->get();
}

double Value::number() const {
  if (const bool* truth = as<bool>()) return *truth ? 1 : 0;
  if (const int64_t* integer = as<int64_t>()) return static_cast<double>(*integer);
  if (const double* real = as<double>()) return *real;
  user_error("a number is needed, not ", kind());
}

int64_t Value::integer(const char* name) const {
  if (const int64_t* own = as<int64_t>()) return *own;
  if (const bool* truth = as<bool>()) return *truth ? 1 : 0;
  user_error(name, ": a whole number is needed, not ", kind());
}

std::string Value::kind() const {
  if (const Undefined* undefined = as<Undefined>()) {
    return undefined->name.empty() ? "an undefined value"
                                   : cat("undefined '", undefined->name, "'");
  }
  if (is_none()) return "none";
  if (is_bool()) return "a boolean";
  if (as<int64_t>()) return "an integer";
  if (as<double>()) return "a float";
  if (text()) return "a string";
  if (list()) return is_tuple_ ? "a tuple" : "a list";
  if (dict()) return "a dictionary";
  return "a function";
}

bool Value::truth() const {
  if (is_undefined() || is_none()) return false;
  if (is_number()) return number() != 0;
  if (const std::string* own = text()) return !own->empty();
  if (const List* items = list()) return !items->empty();
  if (const Dict* own = dict()) return own->is_namespace || !own->entries.empty();
  return true;
}

bool Value::equals(const Value& other) const {
  if (is_number() && other.is_number()) return number() == other.number();
  if (text() && other.text()) return *text() == *other.text();
  if (is_none() || other.is_none()) return is_none() && other.is_none();
  if (is_undefined() || other.is_undefined()) return is_undefined() && other.is_undefined();
  if (list() && other.list()) {
    return is_tuple_ == other.is_tuple_ &&
           std::equal(list()->begin(), list()->end(), other.list()->begin(), other.list()->end(),
                      [](const Value& a, const Value& b) { return a.equals(b); });
  }
  if (dict() && other.dict()) {
    if (dict()->entries.size() != other.dict()->entries.size()) return false;
    return std::all_of(dict()->entries.begin(), dict()->entries.end(), [&](const Entry& entry) {
      const Value* twin = other.dict()->find(entry.first);
      return twin != nullptr && entry.second.equals(*twin);
    });
  }
  return function() != nullptr && function() == other.function();
}

bool Value::less(const Value& other) const {
  if (is_number() && other.is_number()) return number() < other.number();
  if (text() && other.text()) return *text() < *other.text();  // UTF-8 keeps code points' order
  if (list() && other.list()) {
    return std::lexicographical_compare(list()->begin(), list()->end(), other.list()->begin(),
                                        other.list()->end(),
                                        [](const Value& a, const Value& b) { return a.less(b); });
  }
  user_error("'<' has no meaning between ", kind(), " and ", other.kind());
}

std::string Value::to_text() const {
  if (is_undefined()) return "";
  if (const std::string* own = text()) return *own;
  return to_repr();
}

std::string Value::to_repr() const {
  if (is_undefined()) return "Undefined";
  if (is_none()) return "None";
  if (const bool* own = as<bool>()) return *own ? "True" : "False";
  if (const int64_t* own = as<int64_t>()) return std::to_string(*own);
  if (const double* own = as<double>()) return float_text(*own);
  if (const std::string* own = text()) return quoted(*own);
  if (const List* own = list()) {
    return is_tuple_ ? listed(*own, "(", ")", true) : listed(*own, "[", "]", false);
  }
  if (const Dict* own = dict()) {
    std::vector<std::string> parts;
    for (const auto& [key, value] : own->entries) {
      parts.push_back(quoted(key) + ": " + value.to_repr());
    }
    return "{" + joined(parts, ", ") + "}";
  }
  user_error("a function cannot be printed");
}

std::string Value::to_json(int64_t indent, bool sort_keys) const {
  return JsonWriter(indent, sort_keys).write(*this);
}

List Value::items() const {
  spend(size());
  if (const List* own = list()) return *own;
  List result;
  if (const Dict* own = dict(); own != nullptr && !own->is_namespace) {
    for (const Entry& entry : own->entries) result.emplace_back(entry.first);
    return result;
  }
  if (const std::string* own = text()) {
    spend(own->size() * kItem);
    for (const std::string_view character : characters(*own)) {
      result.emplace_back(std::string(character));
    }
    return result;
  }
  if (is_undefined()) return result;  // as Jinja's: a loop over an undefined value has no turn
  user_error(kind(), " has no items to go over");
}

std::vector<std::string_view> characters(const std::string& text) {
  std::vector<std::string_view> result;
  result.reserve(static_cast<size_t>(character_count(text)));
  for (size_t i = 0; i < text.size();) {
    size_t end = i + 1;
    while (end < text.size() && is_continuation(text[end])) ++end;
    result.push_back(std::string_view(text).substr(i, end - i));
    i = end;
  }
  return result;
}

int64_t character_count(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); });
}

}  // namespace unlearn::jinja
