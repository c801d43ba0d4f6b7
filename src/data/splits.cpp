#include "unlearn/data/splits.h"

#include "data/overlap.h"
#include "unlearn/core/error.h"
#include "unlearn/data/examples.h"
#include "unlearn/data/layout.h"
#include "unlearn/data/pair_stream.h"
#include "unlearn/data/rows.h"

namespace unlearn::data {
namespace fs = std::filesystem;
namespace {

// A run's data: how they are laid out and what they are read with.
struct Source : SplitSource {
  const Layout& layout;
  int64_t vocab_size;
};

void check_vocabulary(const Split& split, int64_t vocab_size) {
  for (const Example& example : split.examples) {
    for (const int32_t token : example.tokens) {
      if (token < 0 || token >= vocab_size) {
        user_error(split.file.string(), ": row ", example.row,
                   ": tokenizer/embedding mismatch: token id ", token, " but the model has ",
                   vocab_size, " embeddings; take the tokenizer that belongs to the model");
      }
    }
  }
}

Split open_split(const Source& source, const std::string& name, const std::string& what) {
  Split split = source.layout.read(source, source.layout.find_file(source.config, name, what));
  check_vocabulary(split, source.vocab_size);
  return split;
}

std::string retain_name(const Source& source) {
  if (source.config.retain != "auto") return source.config.retain;
  if (source.layout.retain_split != nullptr) return source.layout.retain_split(source.config);
  user_error("data.retain: the method needs retain data; name its file");
}

// A forget row's question with something else as its answer.
struct Replacement {
  const QaRow* row;
  std::string answer, id;
};

Split replacement_split(const Source& source, const fs::path& answers, const fs::path& questions,
                        const std::vector<Replacement>& replacements) {
  std::vector<int64_t> numbers;
  for (const Replacement& replacement : replacements) numbers.push_back(replacement.row->row);
  Split split{answers, make_examples(questions, numbers, [&](size_t i) {
                const Replacement& replacement = replacements[i];
                return make_qa_example(source.tok, source.tmpl, replacement.row->question,
                                       replacement.answer, source.config.max_length);
              })};
  for (size_t i = 0; i < split.examples.size(); ++i) {
    split.examples[i].id = replacements[i].id;
  }
  check_vocabulary(split, source.vocab_size);
  return split;
}

// Which refusal a forget row gets is fixed by its number, as in Unlearn-Simple's
// TOFU/dataloader.py; the stream draws lines, and each line is rendered with the question it is
// drawn for. Since the pair (question, line) decides the tokens, every forget row has its own
// alternate example.
Split refusal_split(const Source& source, const Split& forget) {
  const fs::path file = source.config.alternate != "auto"
                            ? fs::path(source.config.alternate)
                            : fs::path(source.config.root) / "idontknow.jsonl";
  if (!fs::is_regular_file(file)) {
    user_error("data.alternate: the method needs refusal lines; name a file (", file.string(),
               " is not there)");
  }
  const std::vector<std::string> lines = read_lines(file);
  const std::vector<QaRow> rows =
      read_qa_rows(forget.file, source.config.question_key, source.config.answer_key);
  const auto count = static_cast<int64_t>(lines.size());
  std::vector<Replacement> refusals;
  for (const QaRow& row : rows) {
    refusals.push_back(
        {&row, lines[static_cast<size_t>(refusal_line(row.row, count))], cat("refusal:", row.row)});
  }
  return replacement_split(source, file, forget.file, refusals);
}

// The rows' own alternative answers. A row with several stands in the forget stream once for each
// (OpenUnlearning community/methods/AltPO: every (question, answer, alternate) is a training row).
Split own_alternates(const Source& source, Split& forget) {
  if (source.config.alternate != "auto") {
    user_error("data.alternate: the method reads the forget rows' own field '",
               source.config.alternate_key, "' (data.alternate_key), no file; use auto");
  }
  const std::vector<AlternateRow> rows =
      read_alternate_rows(forget.file, source.config.question_key, source.config.alternate_key);
  std::vector<Replacement> alternates;
  std::vector<Example> repeated;
  for (size_t i = 0; i < rows.size(); ++i) {
    const QaRow& row = rows[i].row;
    for (size_t k = 0; k < rows[i].answers.size(); ++k) {
      alternates.push_back({&row, rows[i].answers[k], cat("alternate:", row.row, ".", k)});
      repeated.push_back(forget.examples[i]);
    }
  }
  forget.examples = std::move(repeated);
  return replacement_split(source, forget.file, forget.file, alternates);
}

}  // namespace

Splits load_splits(const DataConfig& config, const Layout& layout, const SplitRequest& request,
                   const tokenizer::Tokenizer& tok, const Template& tmpl, int64_t vocab_size) {
  const Source source{{config, tok, tmpl}, layout, vocab_size};
  Splits splits;
  if (request.train) splits.train = open_split(source, config.train, "train");
  if (request.forget) splits.forget = open_split(source, config.forget, "forget");
  if (request.retain) splits.retain = open_split(source, retain_name(source), "retain");
  if (splits.forget) warn_of_repeats(*splits.forget, tok);
  if (splits.forget && splits.retain) {
    check_overlap(source, layout, *splits.forget, *splits.retain);
  }
  if (request.alternate) {
    if (!layout.has_questions) {
      user_error("data.benchmark: these data have no questions to refuse; use tofu or qa");
    }
    splits.alternate = request.own_alternate ? own_alternates(source, *splits.forget)
                                             : refusal_split(source, *splits.forget);
  }
  return splits;
}

}  // namespace unlearn::data
