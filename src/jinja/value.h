// What an expression of a template evaluates to, with Python's meanings of truth, equality, order
// and text.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "unlearn/core/json.h"

namespace unlearn::jinja {

class Value;
using List = std::vector<Value>;
using Entry = std::pair<std::string, Value>;

// In order of insertion; keys are texts.
struct Dict {
  std::vector<Entry> entries;
  bool is_namespace = false;  // namespace(): the only thing whose attributes can be set

  Value* find(const std::string& key);
  const Value* find(const std::string& key) const;
  void set(const std::string& key, Value value);
};

struct Arguments {
  List positional;
  std::vector<Entry> named;

  // The argument at `index` or of that name; nullptr when neither was given.
  const Value* get(size_t index, const std::string& name) const;
};

// A macro, a method bound to its value, or a function of the environment.
using Function = std::function<Value(const Arguments&)>;

struct Undefined {
  std::string name;  // for errors
};
struct None {};

// A template is somebody else's program: what one rendering may copy and make is limited, in bytes,
// while one of these lives.
class WorkLimit {
 public:
  WorkLimit();
  ~WorkLimit();
  WorkLimit(const WorkLimit&) = delete;
  WorkLimit& operator=(const WorkLimit&) = delete;

 private:
  int64_t outer_;
};
// Counts so many bytes against the limit; UserError when it is used up.
void spend(size_t bytes);

// A list or a dictionary counts with all that it holds, as often as it holds it. UserError when it
// becomes too large, or is nested too deeply.
class Value {
 public:
  Value() : data_(Undefined{}) {}
  Value(Undefined undefined) : data_(std::move(undefined)) {}
  Value(None none) : data_(none) {}
  Value(bool truth) : data_(truth) {}
  Value(int64_t number) : data_(number) {}
  Value(double number) : data_(number) {}
  Value(std::string text) : data_(std::move(text)) {}
  Value(const char* text) : data_(std::string(text)) {}
  Value(List items, bool is_tuple = false);
  Value(Dict dict);
  Value(Function function) : data_(std::make_shared<Function>(std::move(function))) {}
  // A function that keeps a copy of `held`.
  Value(Function function, const Value& held);

  static Value from_json(const Json& json);

  template <class T>
  const T* as() const {
    return std::get_if<T>(&data_);
  }
  const std::string* text() const { return as<std::string>(); }
  const List* list() const { return pointee<List>(); }
  const Dict* dict() const { return pointee<Dict>(); }
  Dict* mutable_dict() const;
  const Function* function() const { return pointee<Function>(); }

  bool is_undefined() const { return as<Undefined>() != nullptr; }
  bool is_none() const { return as<None>() != nullptr; }
  bool is_bool() const { return as<bool>() != nullptr; }
  bool is_tuple() const { return is_tuple_; }
  bool is_number() const { return is_bool() || as<int64_t>() || as<double>(); }
  // Of a boolean, an integer or a float.
  double number() const;
  // Of an argument that only makes sense as an integer. UserError with `name` for all else.
  int64_t integer(const char* name) const;
  // Bytes that it takes, about.
  size_t size() const { return text() ? text()->size() : size_; }
  // Whether it is a namespace or has one in it: a namespace that held itself would never go.
  bool holds_namespace() const { return holds_namespace_; }
  // "a string", "a list", … for errors.
  std::string kind() const;

  bool truth() const;
  bool equals(const Value& other) const;
  // Python's <; UserError for kinds that have no order.
  bool less(const Value& other) const;
  // str(): what {{ }} prints; "" when undefined.
  std::string to_text() const;
  // repr(): texts with quotes.
  std::string to_repr() const;
  // json.dumps as transformers' tojson: no ASCII escapes. indent < 0: one line.
  std::string to_json(int64_t indent = -1, bool sort_keys = false) const;
  // The items that a loop over this value visits: of a list, a dictionary's keys, a text's
  // characters. UserError for other kinds.
  List items() const;

 private:
  template <class T>
  const T* pointee() const {
    const auto* pointer = std::get_if<std::shared_ptr<T>>(&data_);
    return pointer == nullptr ? nullptr : pointer->get();
  }

  std::variant<Undefined, None, bool, int64_t, double, std::string, std::shared_ptr<List>,
               std::shared_ptr<Dict>, std::shared_ptr<Function>>
      data_;
  size_t size_ = 0;  // of lists and dictionaries
  int depth_ = 0;
  bool is_tuple_ = false;
  bool holds_namespace_ = false;

  void add_part(const Value& part, size_t own_size);
  int depth() const;
};

// The characters (code points) of UTF-8 text; they point into it.
std::vector<std::string_view> characters(const std::string& text);
// How many it has.
int64_t character_count(std::string_view text);

}  // namespace unlearn::jinja
