#include "unlearn/core/text_file.h"

#include <algorithm>
#include <optional>

#include "core/json_shape.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn {
namespace fs = std::filesystem;
namespace {

// How a file of another format begins, and the command that makes text of FILE.
struct Format {
  std::string_view magic;
  const char* name;
  const char* command;
};

using namespace std::string_view_literals;

constexpr const char* kDecoded = "convert it to UTF-8: iconv -f UTF-16 -t UTF-8 FILE >OUT.utf8EXT";

// Longer beginnings stand before those they begin with.
constexpr Format kFormats[] = {
    {"PAR1"sv, "a Parquet file",
     "write its rows as JSON lines: python3 -c \"import pandas; "
     "pandas.read_parquet('FILE').to_json('OUT.jsonl', orient='records', lines=True)\""},
    {"ARROW1"sv, "an Arrow file",
     "write its rows as JSON lines: python3 -c \"import pandas; "
     "pandas.read_feather('FILE').to_json('OUT.jsonl', orient='records', lines=True)\""},
    {"\xFF\xFF\xFF\xFF"sv, "an Arrow stream, as the datasets library stores it",
     "write its rows as JSON lines: python3 -c \"import datasets; "
     "datasets.Dataset.from_file('FILE').to_json('OUT.jsonl')\""},
    {"\x1F\x8B"sv, "compressed with gzip", "unpack it: gzip -dc FILE >OUT"},
    {"\x28\xB5\x2F\xFD"sv, "compressed with zstd", "unpack it: zstd -dc FILE >OUT"},
    {"\xFD\x37zXZ\x00"sv, "compressed with xz", "unpack it: xz -dc FILE >OUT"},
    {"BZh91AY&SY"sv, "compressed with bzip2", "unpack it: bzip2 -dc FILE >OUT"},
    {"PK\x03\x04"sv, "a ZIP archive", "unpack it: unzip FILE"},
    {"%PDF-"sv, "a PDF document", "take its text: pdftotext FILE OUT.txt"},
    {"SQLite format 3\0"sv, "an SQLite database", "export its rows as JSON lines"},
    {"version https://git-lfs.github.com/spec/"sv, "a Git LFS pointer, not the file itself",
     "fetch the file: git lfs pull"},
    {"\xFF\xFE\x00\x00"sv, "UTF-32 text",
     "convert it to UTF-8: iconv -f UTF-32 -t UTF-8 FILE >OUT.utf8EXT"},
    {"\x00\x00\xFE\xFF"sv, "UTF-32 text",
     "convert it to UTF-8: iconv -f UTF-32 -t UTF-8 FILE >OUT.utf8EXT"},
    {"\xFF\xFE"sv, "UTF-16 text", kDecoded},
    {"\xFE\xFF"sv, "UTF-16 text", kDecoded},
};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

// The command with the file's own name, and the name of what it writes. FILE stands first in every
// command, so names that hold one of these words do no harm.
std::string advice(std::string command, const fs::path& path) {
  command = replaced(std::move(command), "EXT", path.extension().string());
  command = replaced(std::move(command), "OUT", (path.parent_path() / path.stem()).string());
  return replaced(std::move(command), "FILE", path.string());
}

// UTF-16 without a byte order mark: mostly ASCII, so every other byte is zero.
std::optional<const char*> utf16_order(std::string_view text) {
  constexpr size_t kLooked = 4096;
  const std::string_view head = text.substr(0, kLooked);
  size_t zeros[2] = {0, 0};
  for (size_t i = 0; i < head.size(); ++i) zeros[i % 2] += head[i] == '\0' ? 1 : 0;
  const size_t pairs = head.size() / 2;
  if (pairs < 2) return std::nullopt;
  if (zeros[0] == 0 && zeros[1] * 2 > pairs) return "UTF-16LE";
  if (zeros[1] == 0 && zeros[0] * 2 > pairs) return "UTF-16BE";
  return std::nullopt;
}

void refuse_other_formats(std::string_view content, const fs::path& path) {
  for (const Format& format : kFormats) {
    if (!content.starts_with(format.magic)) continue;
    user_error(path.string(), ": is ", format.name, "; ", advice(format.command, path));
  }
  if (const auto order = utf16_order(content)) {
    user_error(path.string(), ": is UTF-16 text; ",
               advice(replaced(kDecoded, "UTF-16", *order), path));
  }
}

std::string universal_newlines(std::string text) {
  if (text.find('\r') == std::string::npos) return text;
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      result += text[i];
    } else {
      result += '\n';
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    }
  }
  return result;
}

std::string_view first_line(std::string_view text) {
  text = trim(text);
  return text.substr(0, text.find('\n'));
}

std::string_view unquoted(std::string_view field) {
  field = trim(field);
  const bool quoted = field.size() >= 2 && field.front() == '"' && field.back() == '"';
  return quoted ? field.substr(1, field.size() - 2) : field;
}

// The separator of a line that has `column` beside other fields; 0 without one.
char header_separator(std::string_view line, const std::string& column) {
  for (const char separator : {',', '\t', ';'}) {
    const std::vector<std::string> fields = split(line, separator);
    const auto is_column = [&](const std::string& field) { return unquoted(field) == column; };
    if (fields.size() > 1 && std::any_of(fields.begin(), fields.end(), is_column)) return separator;
  }
  return 0;
}

std::string separated_values(const fs::path& path, char separator) {
  const std::string name = separator == '\t'  ? "tab separated values"
                           : separator == ';' ? "semicolon separated values"
                                              : "CSV (comma separated values)";
  const std::string delimiter =
      separator == ',' ? "" : cat(", delimiter='", separator == '\t' ? "\\t" : ";", "'");
  const std::string stem = (path.parent_path() / path.stem()).string();
  return cat(name, "; write its rows as JSON lines: python3 -c \"import csv,json; ",
             "[print(json.dumps(r)) for r in csv.DictReader(open('", path.string(),
             "', newline='')", delimiter, ")]\" >", stem, ".jsonl");
}

std::optional<char> separator_of_name(const fs::path& path) {
  const std::string extension = to_lower(path.extension().string());
  if (extension == ".csv") return ',';
  if (extension == ".tsv") return '\t';
  return std::nullopt;
}

}  // namespace

std::string read_text_file(const fs::path& path) { return text_of_bytes(read_file(path), path); }

std::string text_of_bytes(std::string content, const fs::path& path) {
  refuse_other_formats(content, path);
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (content.starts_with(kByteOrderMark)) content.erase(0, kByteOrderMark.size());
  return universal_newlines(std::move(content));
}

bool is_json_name(const fs::path& path) {
  const std::string extension = to_lower(path.extension().string());
  return extension == ".json" || extension == ".jsonl" || extension == ".jsonlines" ||
         extension == ".ndjson";
}

std::string rows_in_plain_text(const fs::path& path, std::string_view text,
                               const std::string& column) {
  if (const auto separator = separator_of_name(path)) {
    return cat("is no plain text but ", separated_values(path, *separator));
  }
  if (holds_json_rows(text)) {
    return cat("holds JSON rows, no plain text; name it ", path.stem().string(),
               ".jsonl to have the texts read from them");
  }
  const char separator = header_separator(first_line(text), column);
  if (separator == 0) return "";
  return cat("is no plain text but ", separated_values(path, separator));
}

std::string other_than_json_rows(const fs::path& path, std::string_view text) {
  const std::string_view line = first_line(text);
  const auto named = separator_of_name(path);
  if (named) return cat("is ", separated_values(path, *named));
  if (line.starts_with('{') || line.starts_with('[')) return "";
  if (line.starts_with('<')) return "is HTML or XML; JSON rows are needed, one object a line";
  for (const char separator : {'\t', ',', ';'}) {
    if (line.find(separator) != std::string_view::npos) {
      return cat("looks like ", separated_values(path, separator));
    }
  }
  return "is no JSON; rows are needed as JSON objects, one a line, or as one JSON list";
}

}  // namespace unlearn
