#include "unlearn/data/exclusion.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"
#include "unlearn/data/row_file.h"

namespace unlearn::data {
namespace fs = std::filesystem;
namespace {

constexpr size_t kHashDigits = 64;

bool is_content_hash(const std::string& word) {
  return word.size() == kHashDigits && std::all_of(word.begin(), word.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

std::optional<int64_t> row_number(const std::string& word) {
  int64_t number = 0;
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc() || stop != end || number < 0) return std::nullopt;
  return number;
}

// False, and nothing is added, when one of the words is neither a number nor a hash.
bool add_row_names(const std::string& text, RowNames& names) {
  RowNames found;
  for (std::string word : split(text, ',')) {
    word = std::string(trim(word));
    if (is_content_hash(word)) {
      found.hashes.push_back(to_lower(word));
    } else if (const auto number = row_number(word)) {
      found.numbers.push_back(*number);
    } else {
      return false;
    }
  }
  names.numbers.insert(names.numbers.end(), found.numbers.begin(), found.numbers.end());
  names.hashes.insert(names.hashes.end(), found.hashes.begin(), found.hashes.end());
  return true;
}

void add_row_name_lines(const fs::path& file, const std::string& what, RowNames& names) {
  int64_t number = 0;
  bool any = false;
  for (const std::string& line : split(read_data_file(file), '\n')) {
    ++number;
    if (trim(line).empty()) continue;
    any = true;
    if (!add_row_names(std::string(trim(line)), names)) {
      user_error(what, ": ", file.string(), ":", number, ": '", trim(line).substr(0, 40),
                 "' is neither a row number nor a content hash of 64 hexadecimal digits");
    }
  }
  if (!any) user_error(what, ": ", file.string(), ": names no row");
}

// What an example is trained on, as text.
void append_trained(const Example& example, std::string& text) {
  const auto append = [&text](const std::vector<int32_t>& values) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (i > 0) text += ' ';
      text += std::to_string(values[i]);
    }
    text += '\n';
  };
  append(example.tokens);
  append(example.labels);
}

void warn_of_same_content(const std::map<int64_t, std::string>& hashes,
                          const std::set<int64_t>& rows, const fs::path& file,
                          const std::string& what) {
  std::map<std::string, int64_t> gone;
  for (const int64_t row : rows) gone.try_emplace(hashes.at(row), row);
  for (const auto& [row, hash] : hashes) {
    const auto same = gone.find(hash);
    if (same == gone.end() || rows.contains(row)) continue;
    log::warn(what, ": row ", row, " of ", file.string(), " has the content of row ", same->second,
              " and stays; name it too, or give the content's hash, ", hash);
  }
}

}  // namespace

RowNames read_row_names(const std::vector<std::string>& entries, const std::string& what) {
  RowNames names;
  for (const std::string& entry : entries) {
    if (add_row_names(entry, names)) continue;
    std::error_code ignored;
    if (!fs::is_regular_file(entry, ignored)) {
      user_error(what, ": '", entry.substr(0, 80),
                 "' is neither a row number (from 0) nor a content hash of 64 hexadecimal digits, "
                 "and no file of that name is there");
    }
    add_row_name_lines(entry, what, names);
  }
  return names;
}

bool holds_row_names(const std::string& text) {
  RowNames ignored;
  bool any = false;
  for (const std::string& line : split(text, '\n')) {
    if (trim(line).empty()) continue;
    any = true;
    if (!add_row_names(std::string(trim(line)), ignored)) return false;
  }
  return any;
}

std::vector<int64_t> numbers_of_rows(const Split& split, const std::string& what) {
  if (!split.rows_of_chunks.empty()) return split.rows_of_chunks;
  if (split.is_chunked) {
    user_error(what, ": ", split.file.string(),
               " is trained on as one text in chunks, which has no rows to leave out; take a file "
               "with a row for each text");
  }
  std::vector<int64_t> numbers;
  for (const Example& example : split.examples) numbers.push_back(example.row);
  return numbers;
}

std::map<int64_t, std::string> row_hashes(const Split& split, const std::string& what) {
  const std::vector<int64_t> numbers = numbers_of_rows(split, what);
  std::map<int64_t, std::string> texts;
  for (size_t i = 0; i < numbers.size(); ++i) append_trained(split.examples[i], texts[numbers[i]]);
  for (auto& [row, text] : texts) text = sha256(text);
  return texts;
}

std::vector<int64_t> find_rows(const std::map<int64_t, std::string>& hashes, const RowNames& names,
                               const fs::path& file, const std::string& what) {
  std::set<int64_t> rows;
  for (const int64_t number : names.numbers) {
    if (!hashes.contains(number)) {
      user_error(what, ": ", file.string(), " has no row ", number, "; it has the rows ",
                 hashes.begin()->first, " to ", hashes.rbegin()->first);
    }
    rows.insert(number);
  }
  for (const std::string& wanted : names.hashes) {
    bool is_there = false;
    for (const auto& [row, hash] : hashes) {
      if (hash != wanted) continue;
      rows.insert(row);
      is_there = true;
    }
    if (!is_there) {
      user_error(what, ": no row of ", file.string(), " has the content ", wanted,
                 " under this tokenizer, template and data.max_length");
    }
  }
  warn_of_same_content(hashes, rows, file, what);
  return {rows.begin(), rows.end()};
}

std::vector<char> examples_of_rows(const Split& split, const std::vector<int64_t>& rows,
                                   const std::string& what) {
  std::vector<char> belongs;
  for (const int64_t number : numbers_of_rows(split, what)) {
    belongs.push_back(std::binary_search(rows.begin(), rows.end(), number) ? 1 : 0);
  }
  return belongs;
}

Exclusion exclude_rows(const Split& split, const std::vector<std::string>& entries) {
  const std::string what = "data.exclude";
  Exclusion exclusion;
  exclusion.hashes = row_hashes(split, what);
  exclusion.rows = find_rows(exclusion.hashes, read_row_names(entries, what), split.file, what);
  if (exclusion.rows.size() == exclusion.hashes.size()) {
    user_error(what, ": leaves no row of ", split.file.string(), " to train on");
  }
  exclusion.examples = examples_of_rows(split, exclusion.rows, what);
  return exclusion;
}

}  // namespace unlearn::data
