// One description of every option: a struct lists its fields once, and the same list parses,
// checks, documents and writes them.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/config/named.h"
#include "unlearn/core/json.h"

namespace unlearn::config {

// What is known about a field beside its name and its default (the struct's initial value).
struct FieldSpec {
  std::string help;
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool exclusive_min = false;             // the bound itself is refused
  std::vector<std::string> choices = {};  // for text: the only values taken
  std::string unset_word = "";            // for optional fields: what stands for "unset" ("auto")
};

// Walks a struct's fields in their order. `name` may be dotted ("lora.rank").
class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  virtual void field(const std::string& name, bool& value, const FieldSpec& spec) = 0;
  virtual void field(const std::string& name, int64_t& value, const FieldSpec& spec) = 0;
  virtual void field(const std::string& name, double& value, const FieldSpec& spec) = 0;
  virtual void field(const std::string& name, std::string& value, const FieldSpec& spec) = 0;
  virtual void field(const std::string& name, std::optional<int64_t>& value,
                     const FieldSpec& spec) = 0;
  virtual void field(const std::string& name, std::optional<double>& value,
                     const FieldSpec& spec) = 0;
  virtual void field(const std::string& name, std::vector<std::string>& value,
                     const FieldSpec& spec) = 0;

  // An option that takes one of a few values, as text: its words are those of the table, which
  // `value` must be in.
  template <class Value, class Table>
  void field(const std::string& name, Value& value, const Table& table, FieldSpec spec) {
    spec.choices = names_in(table);
    std::string word = name_in(table, value);
    field(name, word, spec);
    value = value_in(table, word);
  }
};

// One field as `unlearn list` and the documentation show it.
struct FieldDoc {
  std::string name;
  std::string type;           // "true|false", "integer", "number", "text", "list"
  std::string default_value;  // as it would be written in YAML
  std::string range;          // "", "> 0", "0 … 1", "nll | kl"
  std::string help;
};

// Collects the documentation of a struct's fields.
class FieldDescriber : public FieldVisitor {
 public:
  void field(const std::string& name, bool& value, const FieldSpec& spec) override;
  void field(const std::string& name, int64_t& value, const FieldSpec& spec) override;
  void field(const std::string& name, double& value, const FieldSpec& spec) override;
  void field(const std::string& name, std::string& value, const FieldSpec& spec) override;
  void field(const std::string& name, std::optional<int64_t>& value,
             const FieldSpec& spec) override;
  void field(const std::string& name, std::optional<double>& value, const FieldSpec& spec) override;
  void field(const std::string& name, std::vector<std::string>& value,
             const FieldSpec& spec) override;

  const std::vector<FieldDoc>& docs() const { return docs_; }

 private:
  std::vector<FieldDoc> docs_;
};

// Writes the current values into a JSON object; dotted names become nested objects.
class FieldDumper : public FieldVisitor {
 public:
  void field(const std::string& name, bool& value, const FieldSpec& spec) override;
  void field(const std::string& name, int64_t& value, const FieldSpec& spec) override;
  void field(const std::string& name, double& value, const FieldSpec& spec) override;
  void field(const std::string& name, std::string& value, const FieldSpec& spec) override;
  void field(const std::string& name, std::optional<int64_t>& value,
             const FieldSpec& spec) override;
  void field(const std::string& name, std::optional<double>& value, const FieldSpec& spec) override;
  void field(const std::string& name, std::vector<std::string>& value,
             const FieldSpec& spec) override;

  const Json& json() const { return json_; }

 private:
  Json& slot(const std::string& name);
  Json json_ = Json::object();
};

}  // namespace unlearn::config
