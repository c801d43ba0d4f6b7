// People's files: JSON lines, a JSON list, CSV, TSV or plain text, each also compressed with gzip.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "unlearn/core/json.h"

namespace unlearn::data {

// The text of a file (read_text_file), unpacked where its first bytes say that it is gzip.
// UserError for what is no text: Parquet, Arrow and others with the command that makes rows of
// them.
std::string read_data_file(const std::filesystem::path& file);

// Whether the name, without ".gz", is one of rows: .json, .jsonl, .jsonlines, .ndjson, .csv, .tsv.
bool is_row_name(const std::filesystem::path& file);

// The name without ".gz".
std::filesystem::path unpacked_name(const std::filesystem::path& file);

// visit(row, value) for every row: the objects of JSON, or of CSV and TSV (by the file's name) one
// object of texts for each record under the header's names. UserError "<file>: row <n>: …", or
// "<file>:<line>: row <n>: …", also in front of what `visit` throws.
void for_each_data_row(const std::filesystem::path& file,
                       const std::function<void(int64_t row, const Json& value)>& visit);

}  // namespace unlearn::data
