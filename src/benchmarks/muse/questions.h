// MUSE's evaluation data (swj0419/muse_bench, eval.py; the folders that its load_data.py writes).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace unlearn::benchmarks::muse {

struct MusePrompt {
  int64_t row = 0;
  std::string prompt;
  std::string truth;
  std::string question;  // KnowMem: the question alone
};
struct MuseText {
  int64_t row = 0;
  std::string text;
};

// The folder of a split's corpus: "news", "news/scal/forget_2" -> <root>/news or <root>/data/news;
// UserError when there is none. An empty split: `root` itself, or the only corpus in it.
std::filesystem::path muse_corpus_folder(const std::string& root, const std::string& split);
// "news" or "books": whose retrained model's constants apply; "" for another name.
std::string muse_corpus(const std::string& split);

// verbmem/forget.json: rows {prompt, gt}. All readers: UserError "<file>: row <n>: …".
std::vector<MusePrompt> read_verbmem(const std::filesystem::path& corpus, int64_t max_rows);
// knowmem/<side>_qa.json with the examples of <side>_qa_icl.json in front of every question.
std::vector<MusePrompt> read_knowmem(const std::filesystem::path& corpus, const std::string& side,
                                     int64_t max_rows);
// privleak/<split>.json: a list of texts (or of {text}).
std::vector<MuseText> read_privleak(const std::filesystem::path& corpus, const std::string& split,
                                    int64_t max_rows);

}  // namespace unlearn::benchmarks::muse
