#include "data/rows.h"

#include <algorithm>

#include "unlearn/core/error.h"
#include "unlearn/core/text_file.h"
#include "unlearn/data/dataset.h"

namespace unlearn::data {
namespace fs = std::filesystem;
namespace {

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::string text_field(const Json& row, const std::string& key) {
  if (!row.is_object()) user_error("a JSON object with '", key, "' is needed");
  const auto it = row.find(key);
  if (it == row.end()) {
    std::vector<std::string> keys;
    for (const auto& [name, value] : row.items()) keys.push_back(name);
    user_error("no field '", key, "'; the row has ", join(keys, ", "));
  }
  if (!it->is_string()) user_error("field '", key, "' must be text");
  auto text = it->get<std::string>();
  if (trim(text).empty()) user_error("field '", key, "' is empty");
  if (!is_valid_utf8(text)) user_error("field '", key, "' is not valid UTF-8");
  return text;
}

std::string read_plain_text(const fs::path& file, const std::string& column) {
  std::string text = read_text_file(file);
  const std::string other = rows_in_plain_text(file, text, column);
  if (!other.empty()) user_error(file.string(), ": ", other);
  int64_t number = 0;
  for (const std::string& line : split(text, '\n')) {
    ++number;
    if (!is_valid_utf8(line)) {
      user_error(file.string(), ":", number, ": not valid UTF-8; of a Windows text make it with ",
                 "iconv -f WINDOWS-1252 -t UTF-8");
    }
  }
  return text;
}

std::vector<std::string> read_lines(const fs::path& file) {
  std::vector<std::string> lines;
  for (const std::string& line : split(read_plain_text(file), '\n')) {
    if (!trim(line).empty()) lines.emplace_back(trim(line));
  }
  if (lines.empty()) user_error(file.string(), ": holds no line of text");
  return lines;
}

fs::path split_file(const std::string& benchmark, const std::string& root, const std::string& split,
                    const std::string& what) {
  if (split.empty()) user_error("data.", what, ": give a split's name or a file");
  std::error_code ignored;
  if (fs::is_regular_file(split, ignored)) return split;
  const fs::path inside = fs::path(root) / split;
  if (fs::is_regular_file(inside, ignored)) return inside;
  if (benchmark != "tofu") {
    user_error("data.", what, ": file '", split, "' not found",
               root.empty() ? std::string() : cat(" (nor in ", root, ")"));
  }
  if (root.empty()) user_error("no data folder: give --data DIR or data.root in the config");
  if (!fs::is_directory(root, ignored)) user_error("data.root: ", root, " is not a folder");
  const fs::path file = fs::path(root) / (split + ".json");
  if (!fs::is_regular_file(file, ignored)) {
    const std::vector<std::string> names = names_in(root);
    user_error("data.", what, ": ", file.string(), " not found", did_you_mean(split, names),
               "; the folder holds ", names.empty() ? "no .json file" : join(names, ", "));
  }
  return file;
}

std::string complement_split(const std::string& forget) {
  const std::string digits = forget.starts_with("forget") ? forget.substr(6) : "";
  const bool is_percent =
      digits.size() == 2 && digits.find_first_not_of("0123456789") == std::string::npos;
  if (!is_percent || digits == "00") {
    user_error("data.retain: cannot guess the retain split of '", forget, "'; name it");
  }
  const int percent = 100 - std::stoi(digits);
  return cat("retain", percent < 10 ? "0" : "", percent);
}

std::vector<QaRow> read_qa_rows(const fs::path& file, const std::string& question_key,
                                const std::string& answer_key) {
  std::vector<QaRow> rows;
  for_each_json_row(file, [&](int64_t row, const Json& value) {
    rows.push_back({text_field(value, question_key), text_field(value, answer_key), row});
  });
  if (rows.empty()) user_error(file.string(), ": holds no row");
  return rows;
}

std::vector<AlternateRow> read_alternate_rows(const fs::path& file, const std::string& question_key,
                                              const std::string& alternate_key) {
  std::vector<AlternateRow> rows;
  for_each_json_row(file, [&](int64_t row, const Json& value) {
    AlternateRow result{{text_field(value, question_key), "", row}, {}};
    const auto found = value.find(alternate_key);
    if (found != value.end() && found->is_array() && !found->empty()) {
      for (const Json& one : *found) {
        result.answers.push_back(text_field(Json{{alternate_key, one}}, alternate_key));
      }
    } else {
      result.answers.push_back(text_field(value, alternate_key));
    }
    rows.push_back(std::move(result));
  });
  return rows;
}

}  // namespace unlearn::data
