// How training data lie on disk: split names -> files, files -> examples. Every benchmark has one
// (src/benchmarks), composed from the readers below.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "unlearn/data/data_config.h"
#include "unlearn/data/example.h"
#include "unlearn/data/splits.h"
#include "unlearn/data/template.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::data {

// What a file is read with.
struct SplitSource {
  const DataConfig& config;
  const tokenizer::Tokenizer& tok;
  const Template& tmpl;
};

struct Layout {
  // The file that a split's name or path means; `what` is its key in `data:` for errors ("forget").
  std::filesystem::path (*find_file)(const DataConfig& config, const std::string& split,
                                     const std::string& what);
  // UserError "<file>: row <n>: …" for the first row that is wrong.
  Split (*read)(const SplitSource& source, const std::filesystem::path& file);
  // The split that data.retain: auto means; null: it must be named.
  std::string (*retain_split)(const DataConfig& config) = nullptr;
  // Rows are questions with answers (data.question_key), so that a question can be given another
  // answer: a refusal, or the row's own alternate.
  bool has_questions = false;
  // A line that forget and retain files share is an overlap too (check_overlap).
  bool compares_lines = false;
  // Forget rows that stand twice are a mistake (people's own data), not the benchmark's choice.
  bool refuses_repeats = false;
};

// `split` as a file by itself or below data.root; UserError when there is none.
std::filesystem::path named_file(const DataConfig& config, const std::string& split,
                                 const std::string& what);

// One example per row, made in parallel; ids are "<stem>:<row>", errors get "<file>: row <n>: " in
// front.
std::vector<Example> make_examples(const std::filesystem::path& file,
                                   const std::vector<int64_t>& rows,
                                   const std::function<Example(size_t)>& make);

// Rows of questions and answers (make_qa_example).
Split qa_split(const SplitSource& source, const std::filesystem::path& file);
// Texts in chunks of max_length (chunk_text), each by itself: a plain text file is one text, a JSON
// file holds one per row (data.text_key).
Split text_split(const SplitSource& source, const std::filesystem::path& file);
// All of the file's text as OpenUnlearning cuts it (rechunk_text); rows are joined by blank lines.
Split rechunked_split(const SplitSource& source, const std::filesystem::path& file);

}  // namespace unlearn::data
