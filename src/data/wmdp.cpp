// WMDP's corpora (OPTML-Group/Unlearn-Simple, WMDP/dataset; locuslab/open-unlearning,
// data/wmdp/wmdp-corpora).
#include <algorithm>
#include <array>

#include "data/layouts.h"
#include "data/rows.h"
#include "unlearn/core/error.h"

namespace unlearn::data {
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
  return text_field(row, key);
}

}  // namespace

fs::path wmdp_file(const std::string& root, const std::string& split, const std::string& what) {
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

std::vector<TextRow> wmdp_rows(const fs::path& file, const std::string& text_key) {
  std::vector<TextRow> rows;
  const auto add = [&](int64_t row, std::string text) {
    if (!text.empty()) rows.push_back({row, std::move(text)});
  };
  if (file.extension() == ".txt") {
    int64_t row = 0;
    for (const std::string& line : split(read_plain_text(file, text_key), '\n')) {
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

}  // namespace unlearn::data
