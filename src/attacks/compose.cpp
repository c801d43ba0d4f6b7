#include "unlearn/attacks/compose.h"

#include <algorithm>

#include "unlearn/core/strings.h"

namespace unlearn::attacks {
namespace {

// Tokens that the template puts between prompt and answer where it counts them as labels.
size_t tag_tokens(const tokenizer::Tokenizer& tokenizer, const data::Template& tmpl,
                  const std::string& question, size_t prompt) {
  if (tmpl.mask_answer_tag || tmpl.answer_tag.empty() || tmpl.chat) return 0;
  const size_t tagged = tokenizer.encode(tmpl.prompt(question, true), tmpl.add_special).size();
  return tagged > prompt ? tagged - prompt : 0;
}

}  // namespace

std::optional<ComposedPrompt> compose(const tokenizer::Tokenizer& tokenizer,
                                      const eval::Questions& questions, size_t row,
                                      const RowPrompt& asked) {
  const data::Template& tmpl = questions.prompt_template;
  const eval::AskedRow& truth = questions.forget[row];
  const int64_t limit = questions.max_length > 0 ? questions.max_length : INT32_MAX;
  // The limit is for the benchmark's own prompt: one with text around it may be longer by that.
  const data::Example plain =
      data::make_qa_example(tokenizer, tmpl, truth.question, truth.answer, limit);
  const auto longer = static_cast<int64_t>(
      tokenizer.encode(tmpl.prompt(asked.question, true), tmpl.add_special).size());
  ComposedPrompt result;
  result.scored = data::make_qa_example(tokenizer, tmpl, asked.question, truth.answer,
                                        limit == INT32_MAX ? limit : limit + longer);
  std::vector<int32_t>& tokens = result.scored.tokens;
  std::vector<int32_t>& labels = result.scored.labels;
  const auto is_label = [](int32_t label) { return label != data::kIgnored; };
  auto first =
      static_cast<size_t>(std::find_if(labels.begin(), labels.end(), is_label) - labels.begin());
  // As many labels as the plain question has, so that both say the same.
  const auto kept = std::min(labels.size(), first + static_cast<size_t>(plain.num_labels));
  tokens.resize(kept);
  labels.resize(kept);
  const size_t tag = tag_tokens(tokenizer, tmpl, asked.question, first);
  if (!asked.opening.empty()) {
    const std::vector<int32_t> opening = tokenizer.encode(asked.opening, /*add_special=*/false);
    const auto place = static_cast<std::ptrdiff_t>(std::min(first + tag, tokens.size()));
    tokens.insert(tokens.begin() + place, opening.begin(), opening.end());
    labels.insert(labels.begin() + place, opening.size(), data::kIgnored);
    std::fill(labels.begin(), labels.begin() + place, data::kIgnored);
    first = static_cast<size_t>(place) + opening.size();
  }
  if (asked.given_tokens > 0) {
    first = std::min(first + tag + static_cast<size_t>(asked.given_tokens), labels.size());
    std::fill(labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(first), data::kIgnored);
  }
  result.scored.num_labels = std::count_if(labels.begin(), labels.end(), is_label);
  result.scored.id = cat("asked:", truth.row);
  result.scored.row = truth.row;
  result.prompt.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(first));
  result.rest = truth.answer;
  if (asked.given_tokens > 0) {
    const std::vector<int32_t> rest(tokens.begin() + static_cast<std::ptrdiff_t>(first),
                                    tokens.end());
    result.rest = std::string(trim(tokenizer.decode(rest, /*skip_special=*/true)));
  }
  if (result.scored.num_labels == 0 || result.rest.empty()) return std::nullopt;
  return result;
}

}  // namespace unlearn::attacks
