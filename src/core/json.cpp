#include "unlearn/core/json.h"

#include <unordered_map>
#include <vector>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn {
namespace {

// Deeper nested texts are refused: what walks over a value recurses, and would overflow a stack.
constexpr size_t kMaxDepth = 200;

// Builds values as the parser meets them. nlohmann's own builder looks every key up among all keys
// before it, which takes seconds for a vocabulary; this one hashes the keys of large objects.
class Builder : public nlohmann::json_sax<Json> {
 public:
  explicit Builder(const std::string& where) : where_(where) {}

  Json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // no part of JSON texts
  bool start_object(size_t) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Level& level = levels_.back();
    auto& entries = level.value->get_ref<Json::object_t&>();
    if (entries.size() < kSmallObject) {
      level.slot = &entries[name];
      return true;
    }
    if (level.places.empty()) {
      for (size_t i = 0; i < entries.size(); ++i) level.places[(entries.begin() + i)->first] = i;
    }
    const auto [place, is_new] = level.places.try_emplace(name, entries.size());
    if (is_new) entries.Json::object_t::Container::emplace_back(std::move(name), Json());
    level.slot = &(entries.begin() + place->second)->second;
    return true;
  }

  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override {
    if (const auto* syntax = dynamic_cast<const Json::parse_error*>(&error)) {
      user_error(where_, ": not valid JSON at byte ", syntax->byte);
    }
    user_error(where_, ": not valid JSON: ", error.what());
  }

 private:
  static constexpr size_t kSmallObject = 16;

  // An array or object that is open.
  struct Level {
    Json* value;
    Json* slot = nullptr;                                 // of an object: the value of its last key
    std::unordered_map<std::string, size_t> places = {};  // of a large object's keys
  };

  // Puts a value where the text has it. The enclosing values do not grow while it is open, so the
  // address stays.
  Json& place(Json value) {
    if (levels_.empty()) return root_ = std::move(value);
    Level& level = levels_.back();
    if (!level.value->is_array()) return *level.slot = std::move(value);
    level.value->push_back(std::move(value));
    return level.value->back();
  }

  bool add(Json value) {
    place(std::move(value));
    return true;
  }

  bool open(Json value) {
    if (levels_.size() >= kMaxDepth) {
      user_error(where_, ": JSON nested deeper than ", kMaxDepth, " levels");
    }
    levels_.push_back({&place(std::move(value))});
    return true;
  }

  bool close() {
    levels_.pop_back();
    return true;
  }

  const std::string& where_;
  Json root_;
  std::vector<Level> levels_;
};

void visit_row(const std::string& file, int64_t row, const Json& value,
               const std::function<void(int64_t, const Json&)>& visit) {
  try {
    visit(row, value);
  } catch (const UserError& error) {
    user_error(file, ": row ", row, ": ", error.what());
  }
}

}  // namespace

Json parse_json(std::string_view text, const std::string& where) {
  Builder builder(where);
  Json::sax_parse(text, &builder);
  return builder.take();
}

Json read_json(const std::filesystem::path& path) {
  return parse_json(read_file(path), path.string());
}

void for_each_json_row(const std::filesystem::path& path,
                       const std::function<void(int64_t, const Json&)>& visit) {
  const std::string content = read_file(path);
  const std::string file = path.string();
  const std::string_view whole = trim(content);
  if (!whole.empty() && whole.front() == '[') {
    const Json rows = parse_json(whole, file);
    for (size_t i = 0; i < rows.size(); ++i) {
      visit_row(file, static_cast<int64_t>(i), rows[i], visit);
    }
    return;
  }
  int64_t row = 0;
  size_t begin = 0;
  while (begin < content.size()) {
    size_t end = content.find('\n', begin);
    if (end == std::string::npos) end = content.size();
    const std::string_view line = trim(std::string_view(content).substr(begin, end - begin));
    if (!line.empty()) {
      visit_row(file, row, parse_json(line, cat(file, ": row ", row)), visit);
      ++row;
    }
    begin = end + 1;
  }
}

}  // namespace unlearn
