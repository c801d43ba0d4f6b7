#include "unlearn/core/json.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/json_shape.h"
#include "unlearn/core/error.h"
#include "unlearn/core/json_rows.h"
#include "unlearn/core/python_json.h"
#include "unlearn/core/text_file.h"

namespace unlearn {
namespace {

// Deeper nested texts are refused: what walks over a value recurses, and would overflow a stack.
constexpr size_t kMaxDepth = 200;

// A string that begins so stands for a number that is not finite; no text of ours begins so.
constexpr char kNumberMark = '\0';

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Puts Python's three further literals into marked strings, outside of strings.
std::string mark_python_literals(std::string_view text) {
  std::string result;
  result.reserve(text.size() + 64);
  bool inside = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (inside && c == '\\' && i + 1 < text.size()) {
      result.append(text.substr(i++, 2));
      continue;
    }
    if (c == '"') inside = !inside;
    if (!inside && (c == 'N' || c == 'I' || c == '-') && (i == 0 || !is_letter(text[i - 1]))) {
      bool found = false;
      for (const std::string_view literal : {"NaN", "Infinity", "-Infinity"}) {
        if (text.substr(i, literal.size()) != literal) continue;
        result.append("\"\\u0000").append(literal).append("\"");
        i += literal.size() - 1;
        found = true;
        break;
      }
      if (found) continue;
    }
    result += c;
  }
  return result;
}

bool may_hold_python_literals(std::string_view text) {
  return text.find("NaN") != std::string_view::npos ||
         text.find("Infinity") != std::string_view::npos;
}

// Builds values as the parser meets them. nlohmann's own builder looks every key up among all keys
// before it, which takes seconds for a vocabulary; this one hashes the keys of large objects.
class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(const std::string& where, std::optional<NonFinite> non_finite)
      : where_(where), non_finite_(non_finite) {}

  Json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override {
    if (non_finite_ && value.starts_with(kNumberMark)) {
      if (const auto number = marked_number(value)) {
        return add(non_finite_ == NonFinite::kNull ? Json(nullptr) : Json(*number));
      }
    }
    return add(std::move(value));
  }
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

  static std::optional<double> marked_number(std::string_view value) {
    value.remove_prefix(1);
    if (value == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (value == "Infinity") return std::numeric_limits<double>::infinity();
    if (value == "-Infinity") return -std::numeric_limits<double>::infinity();
    return std::nullopt;
  }

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
  std::optional<NonFinite> non_finite_;  // none: the literals are malformed
  Json root_;
  std::vector<Level> levels_;
};

Json parse_text(std::string_view text, const std::string& where,
                std::optional<NonFinite> non_finite) {
  // The parser takes a NUL byte for the end, and would say nothing about what follows.
  const size_t nul = text.find('\0');
  if (nul != std::string_view::npos) {
    user_error(where, ": not valid JSON: a NUL byte at byte ", nul + 1, " (a damaged file?)");
  }
  Builder builder(where, non_finite);
  if (non_finite && may_hold_python_literals(text)) {
    Json::sax_parse(mark_python_literals(text), &builder);
  } else {
    Json::sax_parse(text, &builder);
  }
  return builder.take();
}

// Refuses a file whose first row was refused, by what it is instead if that is known.
void refuse_shape(const std::filesystem::path& path, const std::string& what) {
  if (!what.empty()) user_error(path.string(), ": ", what);
}

void visit_row(const std::string& file, int64_t row, const Json& value,
               const std::function<void(int64_t, const Json&)>& visit) {
  try {
    visit(row, value);
  } catch (const UserError& error) {
    user_error(file, ": row ", row, ": ", error.what());
  }
}

// The non-empty lines of a text.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = trim(text.substr(begin, end - begin));
    if (!line.empty()) lines.push_back(line);
    begin = end + 1;
  }
  return lines;
}

Json parse_first_row(const std::filesystem::path& path, std::string_view line,
                     std::string_view text) {
  try {
    return parse_python_json(line, cat(path.string(), ": row 0"), NonFinite::kNull);
  } catch (const UserError&) {
    refuse_shape(path, object_over_lines(path, text));
    refuse_shape(path, other_than_json_rows(path, text));
    throw;
  }
}

}  // namespace

Json parse_json(std::string_view text, const std::string& where) {
  return parse_text(text, where, std::nullopt);
}

Json parse_python_json(std::string_view text, const std::string& where, NonFinite non_finite) {
  return parse_text(text, where, non_finite);
}

Json read_json(const std::filesystem::path& path) {
  return parse_json(read_text_file(path), path.string());
}

Json read_python_json(const std::filesystem::path& path, NonFinite non_finite) {
  return parse_python_json(read_text_file(path), path.string(), non_finite);
}

void for_each_json_row(const std::filesystem::path& path,
                       const std::function<void(int64_t, const Json&)>& visit) {
  for_each_json_row_of(read_text_file(path), path, visit);
}

void for_each_json_row_of(std::string_view content, const std::filesystem::path& path,
                          const std::function<void(int64_t, const Json&)>& visit) {
  const std::string file = path.string();
  const std::string_view whole = trim(content);
  if (whole.starts_with('[')) {
    const Json rows = parse_python_json(whole, file, NonFinite::kNull);
    for (size_t i = 0; i < rows.size(); ++i) {
      visit_row(file, static_cast<int64_t>(i), rows[i], visit);
    }
    return;
  }
  const std::vector<std::string_view> lines = lines_of(whole);
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    const Json value =
        i == 0 ? parse_first_row(path, lines[i], whole)
               : parse_python_json(lines[i], cat(file, ": row ", row), NonFinite::kNull);
    try {
      visit_row(file, row, value, visit);
    } catch (const UserError&) {
      if (lines.size() == 1) refuse_shape(path, other_than_a_row(path, value));
      throw;
    }
  }
}

}  // namespace unlearn
