#include "core/json_shape.h"

#include <algorithm>
#include <optional>

#include "unlearn/core/error.h"
#include "unlearn/core/python_json.h"

namespace unlearn {
namespace fs = std::filesystem;
namespace {

std::optional<Json> parsed(std::string_view text) {
  try {
    return parse_python_json(text, "", NonFinite::kNull);
  } catch (const UserError&) {
    return std::nullopt;
  }
}

bool is_number_key(const std::string& key) {
  return !key.empty() && key.find_first_not_of("0123456789") == std::string::npos;
}

template <class Test>
bool every_value(const Json& object, const Test& test) {
  return std::all_of(object.begin(), object.end(), test);
}

template <class Test>
bool every_key(const Json& object, const Test& test) {
  for (const auto& [key, value] : object.items()) {
    if (!test(key)) return false;
  }
  return true;
}

bool is_list_of_objects(const Json& value) {
  return value.is_array() && !value.empty() &&
         every_value(value, [](const Json& item) { return item.is_object(); });
}

// A command that prints one row a line; `rows` is a Python expression over d, the whole object.
std::string to_rows(const fs::path& path, const std::string& rows) {
  const std::string stem = (path.parent_path() / path.stem()).string();
  return cat("; write a row a line: python3 -c \"import json; d=json.load(open('", path.string(),
             "')); [print(json.dumps(r)) for r in ", rows, "]\" >", stem, ".rows.jsonl");
}

}  // namespace

bool holds_json_rows(std::string_view text) {
  text = trim(text);
  if (text.starts_with('{')) {
    const auto line = parsed(text.substr(0, text.find('\n')));
    if (line && line->is_object() && !line->empty()) return true;
    const auto whole = parsed(text);
    return whole && whole->is_object() && !whole->empty();
  }
  if (!text.starts_with('[')) return false;
  const auto whole = parsed(text);
  return whole && !whole->empty() &&
         every_value(*whole, [](const Json& row) { return row.is_object() || row.is_string(); });
}

std::string other_than_a_row(const fs::path& path, const Json& value) {
  if (!value.is_object() || value.empty()) return "";
  std::vector<std::string> keys;
  for (const auto& [key, unused] : value.items()) keys.push_back(key);
  for (const auto& [key, inner] : value.items()) {
    if (!is_list_of_objects(inner)) continue;
    return cat("is one object whose rows are the list under '", key, "'",
               to_rows(path, cat("d['", key, "']")));
  }
  const size_t length = value.front().size();
  // A row of token ids is made of lists itself.
  const bool columns = !value.contains("input_ids") && every_value(value, [&](const Json& column) {
    return column.is_array() && column.size() == length;
  });
  if (columns) {
    return cat("is one object of ", keys.size() == 1 ? "a list" : "lists", " (columns ",
               join(keys, ", "), ")", to_rows(path, "(dict(zip(d,v)) for v in zip(*d.values()))"));
  }
  if (!every_value(value, [](const Json& inner) { return inner.is_object() && !inner.empty(); })) {
    return "";
  }
  const bool by_number =
      every_value(value, [](const Json& inner) { return every_key(inner, is_number_key); });
  if (by_number && !every_key(value, is_number_key)) {
    return cat("is one object of columns keyed by row (", join(keys, ", "), ")",
               to_rows(path, "({k:c[i] for k,c in d.items()} for i in next(iter(d.values())))"));
  }
  return cat("is one object of rows (keys ", keys.front(), ", …)", to_rows(path, "d.values()"));
}

std::string object_over_lines(const fs::path& path, std::string_view text) {
  text = trim(text);
  const size_t end = text.find('\n');
  if (!text.starts_with('{') || end == std::string_view::npos) return "";
  if (const auto whole = parsed(text)) {
    const std::string other = other_than_a_row(path, *whole);
    if (!other.empty()) return other;
    return cat("is one JSON object over several lines", to_rows(path, "[d]"));
  }
  // Several such objects: the first line ends inside of one.
  const std::string_view line = trim(text.substr(0, end));
  const bool goes_on = line == "{" || (line.ends_with(',') && !line.ends_with("},"));
  if (!goes_on) return "";
  return cat("holds JSON objects over several lines; write each on one: jq -c . ", path.string(),
             " >", (path.parent_path() / path.stem()).string(), ".rows.jsonl");
}

}  // namespace unlearn
