#include "unlearn/data/examples.h"

#include <algorithm>

#include "unlearn/core/error.h"

namespace unlearn::data {
namespace {

int32_t end_of_text(const tokenizer::Tokenizer& tok) {
  if (!tok.special().eos) user_error("the tokenizer names no end-of-sequence token (eos_token)");
  return *tok.special().eos;
}

void count_labels(Example& example) {
  example.labels.front() = kIgnored;  // nothing precedes the first token
  example.num_labels = std::count_if(example.labels.begin(), example.labels.end(),
                                     [](int32_t label) { return label != kIgnored; });
  if (example.num_labels == 0) {
    user_error("no answer token is left after the prompt within max_length");
  }
}

// locuslab/tofu, data_module.py: the question's token count is masked, whatever merges at the
// boundary; the text is cut at max_length; a shorter one ends with EOS as its last target.
Example plain_example(const tokenizer::Tokenizer& tok, const Template& tmpl,
                      const std::string& question, const std::string& answer, int64_t max_length) {
  const std::string prompt = tmpl.prompt(question, /*tag=*/false);
  const size_t masked = tok.encode(prompt, true).size();
  Example example;
  example.tokens = tok.encode(prompt + tmpl.answer_tag + tmpl.rendered_answer(answer), true);
  const auto limit = static_cast<size_t>(max_length);
  if (example.tokens.size() > limit) example.tokens.resize(limit);
  if (example.tokens.size() < limit) example.tokens.push_back(end_of_text(tok));
  example.labels = example.tokens;
  std::fill_n(example.labels.begin(), std::min(masked, example.labels.size()), kIgnored);
  return example;
}

// Whether the answer's turn must still be ended. A folder's own chat template may end it with a
// token of its own behind the answer.
bool lacks_end(const Template& tmpl, const std::vector<int32_t>& tokens, size_t masked,
               int32_t end) {
  if (tokens.empty()) return true;
  if (!tmpl.chat) return tokens.back() != end;
  const auto answer = tokens.begin() + static_cast<int64_t>(std::min(masked, tokens.size()));
  return std::find(answer, tokens.end(), end) == tokens.end();
}

// open-unlearning, src/data/utils.py: the prompt with the assistant's start tag is masked, EOS is
// appended unless the rendered text ends with it.
Example chat_example(const tokenizer::Tokenizer& tok, const Template& tmpl,
                     const std::string& question, const std::string& answer, int64_t max_length) {
  const std::string prompt = tmpl.prompt(question, /*tag=*/true);
  const size_t masked = tok.encode(prompt, tmpl.add_special).size();
  Example example;
  example.tokens = tok.encode(tmpl.conversation(question, answer), tmpl.add_special);
  auto limit = static_cast<size_t>(max_length);
  if (tmpl.answer_end.empty() &&
      !tmpl.chat) {  // no chat template: cut first, so that EOS is always there
    if (example.tokens.size() > limit) example.tokens.resize(limit);
    ++limit;
  }
  if (lacks_end(tmpl, example.tokens, masked, end_of_text(tok))) {
    example.tokens.push_back(end_of_text(tok));
  }
  if (example.tokens.size() > limit) example.tokens.resize(limit);
  example.labels = example.tokens;
  std::fill_n(example.labels.begin(), std::min(masked, example.labels.size()), kIgnored);
  return example;
}

}  // namespace

Example make_qa_example(const tokenizer::Tokenizer& tok, const Template& tmpl,
                        const std::string& question, const std::string& answer,
                        int64_t max_length) {
  Example example = tmpl.mask_answer_tag ? chat_example(tok, tmpl, question, answer, max_length)
                                         : plain_example(tok, tmpl, question, answer, max_length);
  count_labels(example);
  return example;
}

std::vector<int32_t> make_qa_prompt(const tokenizer::Tokenizer& tok, const Template& tmpl,
                                    const std::string& question) {
  return tok.encode(tmpl.prompt(question, tmpl.mask_answer_tag), tmpl.add_special);
}

Example make_row_example(const tokenizer::Tokenizer& tok, const Template& tmpl, const QaRow& row,
                         const std::string& answer, int64_t max_length) {
  return make_qa_example(tok, tmpl.after(row.earlier), row.question, answer, max_length);
}

std::vector<int32_t> make_row_prompt(const tokenizer::Tokenizer& tok, const Template& tmpl,
                                     const QaRow& row, const std::string& question) {
  return make_qa_prompt(tok, tmpl.after(row.earlier), question);
}

Example make_text_example(const tokenizer::Tokenizer& tok, const std::string& text,
                          int64_t max_length) {
  Example example;
  example.tokens = tok.encode(text, true);
  if (max_length > 0 && example.tokens.size() > static_cast<size_t>(max_length)) {
    example.tokens.resize(static_cast<size_t>(max_length));
  }
  if (example.tokens.size() < 2) user_error("the text has fewer than two tokens");
  example.labels = example.tokens;
  count_labels(example);
  return example;
}

// swj0419/muse_bench, baselines/dataset.py: windows of max_length - 1 ids, BOS before each; the
// last one is filled up with the first chunk, its BOS included. Every token is a label.
std::vector<Example> chunk_text(const tokenizer::Tokenizer& tok, const std::string& text,
                                int64_t max_length) {
  const std::vector<int32_t> ids = tok.encode(text, false);
  if (ids.size() < 2) user_error("the text has fewer than two tokens");
  const std::vector<int32_t> with_special = tok.encode("a", true);
  const bool has_bos =
      tok.special().bos && !with_special.empty() && with_special.front() == *tok.special().bos;
  const size_t window = static_cast<size_t>(max_length) - (has_bos ? 1 : 0);
  std::vector<Example> chunks;
  for (size_t begin = 0; begin < ids.size(); begin += window) {
    Example& chunk = chunks.emplace_back();
    if (has_bos) chunk.tokens.push_back(*tok.special().bos);
    const size_t end = std::min(begin + window, ids.size());
    chunk.tokens.insert(chunk.tokens.end(), ids.begin() + static_cast<int64_t>(begin),
                        ids.begin() + static_cast<int64_t>(end));
  }
  std::vector<int32_t>& last = chunks.back().tokens;
  while (chunks.size() > 1 && last.size() < static_cast<size_t>(max_length)) {
    const std::vector<int32_t>& first = chunks.front().tokens;
    const size_t missing = std::min(first.size(), static_cast<size_t>(max_length) - last.size());
    last.insert(last.end(), first.begin(), first.begin() + static_cast<int64_t>(missing));
  }
  for (size_t i = 0; i < chunks.size(); ++i) {
    chunks[i].row = static_cast<int64_t>(i);
    chunks[i].labels = chunks[i].tokens;
    count_labels(chunks[i]);
  }
  return chunks;
}

std::vector<Example> rechunk_text(const tokenizer::Tokenizer& tok, const std::string& text,
                                  int64_t max_length) {
  const std::vector<int32_t> ids = tok.encode(text, false);
  const auto window = static_cast<size_t>(max_length);
  std::vector<Example> chunks;
  for (size_t begin = 0; begin < ids.size(); begin += window) {
    const size_t count = std::min(window, ids.size() - begin);
    Example chunk;
    chunk.tokens = tok.encode(tok.decode(std::span(ids).subspan(begin, count), false), true);
    if (chunk.tokens.size() > window + 1) chunk.tokens.resize(window + 1);
    if (chunk.tokens.size() < 2) continue;
    chunk.row = static_cast<int64_t>(chunks.size());
    chunk.labels = chunk.tokens;
    count_labels(chunk);
    chunks.push_back(std::move(chunk));
  }
  if (chunks.empty()) user_error("the text has fewer than two tokens");
  return chunks;
}

}  // namespace unlearn::data
