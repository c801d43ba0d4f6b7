// The rows of an evaluation: windows of the chunks that training reads.
#include "benchmarks/text/module.h"
#include "unlearn/core/error.h"
#include "unlearn/data/rows.h"
#include "unlearn/data/splits.h"
#include "unlearn/eval/own_data.h"

namespace unlearn::benchmarks::text {
namespace {

constexpr size_t kWindow = 90;
constexpr size_t kAskedShare = 3;  // the first third of a window
constexpr size_t kLeast = 6;

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  const char* gaps = " \t\n\v\f\r";
  for (size_t begin = text.find_first_not_of(gaps); begin != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(gaps, begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(gaps, end);
  }
  return words;
}

// From the first of these words to the last, as they stand in the text.
std::string from_to(std::string_view first, std::string_view last) {
  return {first.data(), static_cast<size_t>(last.data() + last.size() - first.data())};
}

std::vector<data::QaRow> rows_of(const tokenizer::Tokenizer& tok, const data::Split& split) {
  std::vector<data::QaRow> rows;
  for (const data::Example& example : split.examples) {
    const std::string text = tok.decode(example.tokens, /*skip_special=*/true);
    const std::vector<data::QaRow> windows = windows_of(text, example.row);
    rows.insert(rows.end(), windows.begin(), windows.end());
  }
  if (rows.empty()) {
    user_error(split.file.string(), ": no text has the ", kLeast,
               " words that a measurement needs");
  }
  return rows;
}

eval::own_data::OwnRows read_rows(const eval::EvaluationInputs& inputs) {
  const data::DataConfig& config = inputs.data;
  if (!inputs.config.holdout.empty()) {
    user_error("eval.holdout: own texts are compared with those held out (data.hold_out)");
  }
  const bool has_retain = config.retain != "auto" && config.retain != "none";
  const data::Splits splits =
      data::load_splits(config, layout(), {.forget = true, .retain = has_retain}, inputs.tokenizer,
                        inputs.prompt_template, inputs.vocab_size);
  eval::own_data::OwnRows rows;
  rows.is_text = true;
  rows.prompt_template.name = "none";
  rows.prompt_template.answer_tag = " ";
  rows.forget = rows_of(inputs.tokenizer, *splits.forget);
  if (splits.retain) rows.seen = rows_of(inputs.tokenizer, *splits.retain);
  if (splits.held_out) rows.held_out = rows_of(inputs.tokenizer, *splits.held_out);
  return rows;
}

}  // namespace

std::vector<data::QaRow> windows_of(const std::string& text, int64_t row) {
  const std::vector<std::string_view> words = words_of(text);
  std::vector<data::QaRow> rows;
  for (size_t begin = 0; begin < words.size(); begin += kWindow) {
    const size_t count = std::min(kWindow, words.size() - begin);
    if (count < kLeast) break;
    const size_t asked = count / kAskedShare;
    rows.push_back({from_to(words[begin], words[begin + asked - 1]),
                    from_to(words[begin + asked], words[begin + count - 1]), row});
  }
  return rows;
}

std::unique_ptr<eval::BenchmarkEvaluation> make_evaluation(const eval::EvaluationInputs& inputs) {
  return eval::own_data::make_evaluation(inputs, read_rows);
}

}  // namespace unlearn::benchmarks::text
