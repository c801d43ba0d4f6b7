// Rows of a training file that a run leaves out (data.exclude). The order of the data is drawn over
// all rows; the places of those left out stay empty.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "unlearn/data/splits.h"

namespace unlearn::data {

// Rows by their number in the file (from 0, as messages count them) or by their content.
struct RowNames {
  std::vector<int64_t> numbers;
  std::vector<std::string> hashes;  // of row_hashes
};

// Each entry is a row number, a content hash (64 hexadecimal digits), some of these with commas
// between them, or a file with one of them per line. UserError for anything else, with `what` in
// front.
RowNames read_row_names(const std::vector<std::string>& entries, const std::string& what);
// Whether all that a text says is row numbers and content hashes.
bool holds_row_names(const std::string& text);

// The number of each example's row. UserError for a file that is one text in chunks, with `what` in
// front.
std::vector<int64_t> numbers_of_rows(const Split& split, const std::string& what);
// Of every row, the SHA-256 of what is trained on: for each of its examples one line with the token
// ids and one with the labels, decimal numbers with spaces between them. It depends on tokenizer,
// template and data.max_length.
std::map<int64_t, std::string> row_hashes(const Split& split, const std::string& what);

// The rows that are meant, in ascending order. A hash means every row of that content; a row that
// stays and has the content of one that goes is warned of. UserError for a name without a row.
std::vector<int64_t> find_rows(const std::map<int64_t, std::string>& hashes, const RowNames& names,
                               const std::filesystem::path& file, const std::string& what);

// Which examples belong to these rows: 1 for each that does.
std::vector<char> examples_of_rows(const Split& split, const std::vector<int64_t>& rows,
                                   const std::string& what);

// What a run leaves out.
struct Exclusion {
  std::vector<int64_t> rows;              // ascending
  std::vector<char> examples;             // examples_of_rows
  std::map<int64_t, std::string> hashes;  // of all rows of the file (row_hashes)
};
// Of data.exclude's entries; UserError also when no row would be left.
Exclusion exclude_rows(const Split& split, const std::vector<std::string>& entries);

}  // namespace unlearn::data
