// Text files of any origin, read as Python's text mode reads them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace unlearn {

// Reads a whole text file. A UTF-8 byte order mark is dropped, and "\r\n" and "\r" become "\n"
// (Python's universal newlines), so that a file from Windows gives the same tokens. UserError when
// the file cannot be read, or is no text: it says what the file is (Parquet, gzip, UTF-16, …) and
// how to make text of it.
std::string read_text_file(const std::filesystem::path& path);
// The same of bytes that are read already; `path` is named in errors.
std::string text_of_bytes(std::string content, const std::filesystem::path& path);

// True for a name that ends in .json, .jsonl, .jsonlines or .ndjson, in any case.
bool is_json_name(const std::filesystem::path& path);

// "" or what a file is that should hold plain text, and what would be right: JSON rows, or comma or
// tab separated values (by the file's name, or by a first line with `column` among its fields).
std::string rows_in_plain_text(const std::filesystem::path& path, std::string_view text,
                               const std::string& column);

// "" or the same for a text that should hold JSON rows and whose first row is no JSON.
std::string other_than_json_rows(const std::filesystem::path& path, std::string_view text);

}  // namespace unlearn
