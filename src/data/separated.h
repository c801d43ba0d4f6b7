// Comma and tab separated values (RFC 4180): a header, then one record for each row.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "unlearn/core/json.h"

namespace unlearn::data {

// visit(row, {header: field, …}) for every record; `row` counts from 0 behind the header. The text
// has "\n" at its line ends and no byte order mark (core/text_file.h). A field that begins with a
// quotation mark ends with one, holds separators and new lines, and "" for a mark; empty lines
// count for nothing. UserError "<file>:<line>: …", also in front of what `visit` throws.
void for_each_record(std::string_view text, char separator, const std::filesystem::path& path,
                     const std::function<void(int64_t row, const Json& value)>& visit);

// Of a file's name and its first line: tab for .tsv, comma for .csv, or semicolon where the header
// has semicolons and no comma (as spreadsheets of some languages write). 0 for another name.
char separator_of(const std::filesystem::path& path, std::string_view text);

}  // namespace unlearn::data
