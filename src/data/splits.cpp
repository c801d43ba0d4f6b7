#include "unlearn/data/splits.h"

#include <algorithm>
#include <set>

#include "data/overlap.h"
#include "data/question_forms.h"
#include "data/row_texts.h"
#include "unlearn/core/error.h"
#include "unlearn/core/hold_out.h"
#include "unlearn/core/log.h"
#include "unlearn/data/examples.h"
#include "unlearn/data/layout.h"
#include "unlearn/data/pair_stream.h"
#include "unlearn/data/rows.h"

namespace unlearn::data {
namespace fs = std::filesystem;
namespace {

// Fixed, so that an evaluation holds out the rows that training did.
constexpr uint64_t kHoldOutSeed = 0;

// A run's data: how they are laid out and what they are read with.
struct Source : SplitSource {
  const Layout& layout;
  int64_t vocab_size;
  int64_t question_forms;
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
  const DataConfig config = keys_of(source.config, what);
  Split split = source.layout.read({config, source.tok, source.tmpl},
                                   source.layout.find_file(config, name, what));
  check_vocabulary(split, source.vocab_size);
  return split;
}

std::string retain_name(const Source& source) {
  if (source.config.retain != "auto") return source.config.retain;
  if (source.layout.retain_split != nullptr) return source.layout.retain_split(source.config);
  user_error("data.retain: the method needs retain data; name its file");
}

// The rows of the file of `what`, then their other forms.
std::vector<QaRow> rows_in_all_forms(const Source& source, const fs::path& file,
                                     const std::string& what) {
  const DataConfig config = keys_of(source.config, what);
  return with_question_forms(read_qa_rows(file, config.question_key, config.answer_key),
                             source.question_forms);
}

// The other forms of a split's rows (not of those that were taken out of it), behind its examples.
void add_question_forms(const Source& source, const std::string& what, Split& split) {
  if (!source.layout.has_questions) {
    user_error("data.question_forms: these data have no questions; leave it at 0");
  }
  std::set<int64_t> there;
  for (const Example& example : split.examples) there.insert(example.row);
  const std::vector<QaRow> rows = rows_in_all_forms(source, split.file, what);
  const size_t own = rows.size() / static_cast<size_t>(source.question_forms + 1);
  std::vector<size_t> places;
  std::vector<int64_t> numbers;
  for (size_t i = own; i < rows.size(); ++i) {
    if (!there.contains(rows[i].row)) continue;
    places.push_back(i);
    numbers.push_back(rows[i].row);
  }
  std::vector<Example> forms = make_examples(split.file, numbers, [&](size_t i) {
    const QaRow& row = rows[places[i]];
    return make_row_example(source.tok, source.tmpl, row, row.answer, source.config.max_length);
  });
  for (size_t i = 0; i < forms.size(); ++i) {
    forms[i].id += cat(".", places[i] / own);
    split.examples.push_back(std::move(forms[i]));
  }
  check_vocabulary(split, source.vocab_size);
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
                return make_row_example(source.tok, source.tmpl, *replacement.row,
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
  const std::vector<QaRow> rows = rows_in_all_forms(source, forget.file, "forget");
  const size_t own = rows.size() / static_cast<size_t>(source.question_forms + 1);
  const auto count = static_cast<int64_t>(lines.size());
  std::vector<Replacement> refusals;
  for (size_t i = 0; i < rows.size(); ++i) {
    // Another form draws another line: as if the file went on.
    const int64_t drawn = rows[i].row + static_cast<int64_t>(i / own * own);
    std::string id = cat("refusal:", rows[i].row);
    if (i >= own) id += cat(".", i / own);
    refusals.push_back(
        {&rows[i], lines[static_cast<size_t>(refusal_line(drawn, count))], std::move(id)});
  }
  return replacement_split(source, file, forget.file, refusals);
}

// The rows' own alternative answers. A row with several stands in the forget stream once for each
// (OpenUnlearning community/methods/AltPO: every (question, answer, alternate) is a training row).
Split own_alternates(const Source& source, Split& forget) {
  if (source.question_forms > 0) {
    user_error(
        "data.question_forms: the method reads the forget rows' own alternates; leave it at 0");
  }
  if (source.config.alternate != "auto") {
    user_error("data.alternate: the method reads the forget rows' own field '",
               source.config.alternate_key, "' (data.alternate_key), no file; use auto");
  }
  const std::vector<AlternateRow> rows = read_alternate_rows(
      forget.file, keys_of(source.config, "forget").question_key, source.config.alternate_key);
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

// Takes the units (rows, or chunks of one text) at these places out of `split`.
void take_out(Split& split, const std::vector<char>& is_taken, Split& taken) {
  Split rest = split;
  rest.examples.clear();
  rest.rows_of_chunks.clear();
  taken = rest;
  for (size_t i = 0; i < split.examples.size(); ++i) {
    Split& target = is_taken[i] != 0 ? taken : rest;
    target.examples.push_back(std::move(split.examples[i]));
    if (!split.rows_of_chunks.empty()) target.rows_of_chunks.push_back(split.rows_of_chunks[i]);
  }
  split = std::move(rest);
}

// data.hold_out: these rows are for measuring alone; so are others that say the same.
std::optional<Split> held_out_part(const Source& source, Split& retain) {
  const DataConfig& config = source.config;
  if (config.hold_out == 0 || retain.examples.empty()) return std::nullopt;
  const std::vector<size_t> begins = unit_begins(retain);
  const size_t count = begins.size();
  if (count < 2) {
    log::warn("data.hold_out: ", retain.file.string(), " has one row, which is not held out");
    return std::nullopt;
  }
  const std::vector<size_t> first = first_of_same_text(retain, source.tok);
  std::vector<char> is_held_out(count, 0), is_taken;
  for (const int64_t unit :
       hold_out(static_cast<int64_t>(count), config.hold_out, kHoldOutSeed).held_out) {
    is_held_out[first[static_cast<size_t>(unit)]] = 1;
  }
  if (std::count_if(first.begin(), first.end(),
                    [&](size_t unit) { return is_held_out[unit] == 0; }) == 0) {
    user_error("data.hold_out: ", retain.file.string(),
               ": nothing is left to train on beside the held-out rows and their repeats");
  }
  for (size_t unit = 0; unit < count; ++unit) {
    const size_t end = unit + 1 < count ? begins[unit + 1] : retain.examples.size();
    is_taken.insert(is_taken.end(), end - begins[unit], is_held_out[first[unit]]);
  }
  Split held_out;
  take_out(retain, is_taken, held_out);
  return held_out;
}

// What data.forget and data.retain have in common: refused, or taken out of the retain set.
void settle_overlap(const Source& source, const Split& forget, Split& retain) {
  const std::vector<char> is_common = check_overlap(source, source.layout, forget, retain);
  if (is_common.empty()) return;
  Split dropped;
  take_out(retain, is_common, dropped);
  if (retain.examples.empty()) {
    user_error("data.drop_overlap: nothing is left of ", retain.file.string(),
               ": all its rows are to be forgotten");
  }
}

}  // namespace

Splits load_splits(const DataConfig& config, const Layout& layout, const SplitRequest& request,
                   const tokenizer::Tokenizer& tok, const Template& tmpl, int64_t vocab_size) {
  const Source source{
      {config, tok, tmpl}, layout, vocab_size, request.for_training ? config.question_forms : 0};
  Splits splits;
  if (request.train) splits.train = open_split(source, config.train, "train");
  if (request.forget) splits.forget = open_split(source, config.forget, "forget");
  if (request.retain) splits.retain = open_split(source, retain_name(source), "retain");
  if (splits.forget && request.for_training) check_repeats(source, layout, *splits.forget);
  if (splits.forget && splits.retain) {
    settle_overlap(source, *splits.forget, *splits.retain);
  }
  if (splits.retain) splits.held_out = held_out_part(source, *splits.retain);
  if (source.question_forms > 0) {
    if (splits.forget) add_question_forms(source, "forget", *splits.forget);
    if (splits.retain) add_question_forms(source, "retain", *splits.retain);
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
