// The folder layouts of the published benchmarks: split names -> files, files -> examples.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "unlearn/data/dataset.h"

namespace unlearn::data {

// MUSE (muse.cpp). A split is CORPUS (its raw/forget), CORPUS/NAME (raw/NAME) or
// CORPUS/FOLDER/NAME, as "news", "books/retain1", "news/scal/forget_2"; below `root` or
// `root`/data. NAME.txt is taken before NAME.json. `what` names the config key in errors.
std::filesystem::path muse_file(const std::string& root, const std::string& split,
                                const std::string& what);
// "news/scal/forget_2" -> "news/retain1".
std::string muse_retain(const std::string& forget);
// .txt: chunks of max_length tokens (chunk_text). .json: strings or {text[, input_ids]}, one
// example each, cut at max_length; never padded.
std::vector<Example> muse_examples(const std::filesystem::path& file,
                                   const tokenizer::Tokenizer& tok, int64_t max_length);

// WMDP (wmdp.cpp). A split is "bio", "cyber" (what to forget), "wikitext" (what to keep) or a file.
std::filesystem::path wmdp_file(const std::string& root, const std::string& split,
                                const std::string& what);
// One text of a WMDP file; shorter ones are dropped already.
struct TextRow {
  int64_t row = 0;
  std::string text;
};
// JSONL (or a JSON array) with `text_key`, or plain text with one row per line. Rows of at most 50
// characters are dropped, as Unlearn-Simple's WMDP data sets do.
std::vector<TextRow> wmdp_rows(const std::filesystem::path& file, const std::string& text_key);

}  // namespace unlearn::data
