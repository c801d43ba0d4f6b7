#include "unlearn/data/rows.h"

#include "unlearn/core/error.h"
#include "unlearn/core/text_file.h"
#include "unlearn/data/qa_fields.h"
#include "unlearn/data/row_file.h"

namespace unlearn::data {
namespace fs = std::filesystem;

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
  std::string text = read_data_file(file);
  const std::string other = rows_in_plain_text(unpacked_name(file), text, column);
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

std::vector<QaRow> read_qa_rows(const fs::path& file, const std::string& question_key,
                                const std::string& answer_key) {
  std::vector<QaRow> rows;
  for_each_data_row(file, [&](int64_t row, const Json& value) {
    rows.push_back(qa_row(value, question_key, answer_key, row));
  });
  if (rows.empty()) user_error(file.string(), ": holds no row");
  return rows;
}

std::vector<AlternateRow> read_alternate_rows(const fs::path& file, const std::string& question_key,
                                              const std::string& alternate_key) {
  std::vector<AlternateRow> rows;
  for_each_data_row(file, [&](int64_t row, const Json& value) {
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
