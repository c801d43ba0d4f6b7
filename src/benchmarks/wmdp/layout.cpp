// WMDP's corpora (OPTML-Group/Unlearn-Simple, WMDP/dataset; locuslab/open-unlearning,
// data/wmdp/wmdp-corpora).
#include <algorithm>
#include <array>

#include "benchmarks/wmdp/module.h"
#include "unlearn/core/error.h"
#include "unlearn/data/examples.h"
#include "unlearn/data/rows.h"

namespace unlearn::benchmarks::wmdp {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kTooShort = 50;  // characters

struct SplitFiles {
  const char* name;
  std::array<const char*, 3> files;
};
constexpr SplitFiles kSplits[] = {
    {"bio", {"bio_remove_dataset.jsonl", "bio-forget-corpus.jsonl", "bio-forget-corpus.json"}},
    {"cyber",
     {"cyber-forget-corpus.jsonl", "cyber_forget_corpus.jsonl", "cyber-forget-corpus.json"}},
    {"bio-retain",
     {"bio-retain-corpus.jsonl", "bio_retain_corpus.jsonl", "bio-retain-corpus.json"}},
    {"cyber-retain",
     {"cyber-retain-corpus.jsonl", "cyber_retain_corpus.jsonl", "cyber-retain-corpus.json"}},
    {"wikitext", {"wikitext-test.jsonl", "wikitext-test.txt", "wikitext.jsonl"}}};

int64_t characters(const std::string& text) {
  return std::count_if(text.begin(), text.end(),
                       [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; });
}

// The text as it is stored: what is too short to be used may also be empty.
std::string stored_text(const Json& row, const std::string& key) {
  if (row.is_object() && row.contains(key) && row[key].is_string()) {
    auto text = row[key].get<std::string>();
    if (characters(text) <= kTooShort) return "";
  }
  return data::text_field(row, key);
}

// A split is "bio", "cyber" (what to forget), "wikitext" (what to keep), … or a file.
fs::path split_file(const data::DataConfig& config, const std::string& split,
                    const std::string& what) {
  const std::string& root = config.root;
  std::error_code ignored;
  if (split.empty()) user_error("data.", what, ": give bio, cyber, wikitext or a file");
  if (fs::is_regular_file(split, ignored)) return split;
  if (root.empty()) user_error("no data folder: give --data DIR or data.root in the config");
  if (!fs::is_directory(root, ignored)) user_error("data.root: ", root, " is not a folder");
  std::vector<std::string> candidates = {split}, names;
  for (const SplitFiles& known : kSplits) {
    names.emplace_back(known.name);
    if (split == known.name) candidates.assign(known.files.begin(), known.files.end());
  }
  for (const std::string& name : candidates) {
    for (const fs::path& folder : {fs::path(root), fs::path(root) / "wmdp-corpora"}) {
      if (fs::is_regular_file(folder / name, ignored)) return folder / name;
    }
  }
  user_error("data.", what, ": ", (fs::path(root) / candidates.front()).string(), " not found",
             did_you_mean(split, names), "; use ", join(names, ", "), " or a file");
}

struct TextRow {
  int64_t row = 0;
  std::string text;
};

// JSONL (or a JSON array) with `text_key`, or plain text with one row per line. Rows of at most 50
// characters are dropped, as Unlearn-Simple's WMDP data sets do.
std::vector<TextRow> text_rows(const fs::path& file, const std::string& text_key) {
  std::vector<TextRow> rows;
  const auto add = [&](int64_t row, std::string text) {
    if (!text.empty()) rows.push_back({row, std::move(text)});
  };
  if (file.extension() == ".txt") {
    int64_t row = 0;
    for (const std::string& line : split(data::read_plain_text(file, text_key), '\n')) {
      add(row++, characters(line) > kTooShort && !trim(line).empty() ? line : "");
    }
  } else {
    for_each_json_row(
        file, [&](int64_t row, const Json& value) { add(row, stored_text(value, text_key)); });
  }
  if (rows.empty()) {
    user_error(file.string(), ": holds no row of more than ", kTooShort, " characters");
  }
  return rows;
}

data::Split read_split(const data::SplitSource& source, const fs::path& file) {
  if (source.config.chunking == data::Chunking::kOpenUnlearning) {
    return data::rechunked_split(source, file);
  }
  const std::vector<TextRow> rows = text_rows(file, source.config.text_key);
  std::vector<int64_t> numbers;
  for (const TextRow& row : rows) numbers.push_back(row.row);
  return {file, data::make_examples(file, numbers, [&](size_t i) {
            return data::make_text_example(source.tok, rows[i].text, source.config.max_length);
          })};
}

std::string retain_split(const data::DataConfig&) { return "wikitext"; }

}  // namespace

data::Layout layout() {
  return {.find_file = split_file, .read = read_split, .retain_split = retain_split};
}

}  // namespace unlearn::benchmarks::wmdp
