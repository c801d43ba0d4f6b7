#include "eval/own_data/asking.h"

#include <algorithm>

#include "eval/own_data/general_text.h"
#include "unlearn/core/strings.h"
#include "unlearn/data/examples.h"

namespace unlearn::eval::own_data {

std::vector<std::string> general_paragraphs() {
  std::vector<std::string> paragraphs;
  for (const std::string& line : split(general_text(), '\n')) {
    if (!trim(line).empty()) paragraphs.emplace_back(trim(line));
  }
  return paragraphs;
}

data::Example Asker::answered(const data::QaRow& row, const std::string& answer) const {
  data::Example example =
      data::make_row_example(tok_, rows_.prompt_template, row, answer, max_length_);
  const std::optional<int32_t> end = tok_.special().eos;
  // What follows in a text does not end there.
  if (rows_.is_text && end && example.num_labels > 1 && example.tokens.back() == *end) {
    example.tokens.pop_back();
    example.labels.pop_back();
    --example.num_labels;
  }
  return example;
}

std::vector<int32_t> Asker::asked(const data::QaRow& row, const std::string& question,
                                  const std::string& given) const {
  const data::Template tmpl = rows_.prompt_template.after(row.earlier);
  const bool with_tag = tmpl.mask_answer_tag || !given.empty();
  return tok_.encode(tmpl.prompt(question, with_tag) + given, tmpl.add_special);
}

int64_t Asker::output_tokens(const std::vector<data::QaRow>& rows, int64_t most) const {
  constexpr int64_t kLeast = 32;
  int64_t longest = 0;
  for (const data::QaRow& row : rows) {
    longest = std::max(longest, static_cast<int64_t>(tok_.encode(row.answer, false).size()));
  }
  return std::min(most, std::max(kLeast, longest + longest / 2));
}

std::string Asker::decoded(const std::vector<int32_t>& output) const {
  return std::string(trim(tok_.decode(output, /*skip_special=*/true)));
}

}  // namespace unlearn::eval::own_data
