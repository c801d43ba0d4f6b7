#include "data/row_texts.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <unordered_map>

#include "unlearn/core/strings.h"
#include "unlearn/tokenizer/lower_case.h"

namespace unlearn::data {
namespace {

// The bytes of a white-space character at the begin of `text`; 0 where there is none.
size_t space_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first == ' ' || (first >= 0x09 && first <= 0x0D) || (first >= 0x1C && first <= 0x1F))
    return 1;
  for (const std::string_view space :
       {"\xC2\x85", "\xC2\xA0", "\xE1\x9A\x80", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF",
        "\xE2\x81\x9F", "\xE3\x80\x80"}) {
    if (text.starts_with(space)) return space.size();
  }
  // U+2000 to U+200A
  const bool general = text.size() >= 3 && text.starts_with("\xE2\x80") &&
                       static_cast<unsigned char>(text[2]) >= 0x80 &&
                       static_cast<unsigned char>(text[2]) <= 0x8A;
  return general ? 3 : 0;
}

// Whether the units that begin at these examples and have this many say the same.
bool is_same_text(const Split& split, const tokenizer::Tokenizer& tok, size_t a, size_t b,
                  size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (text_of(split.examples[a + i], tok) != text_of(split.examples[b + i], tok)) return false;
  }
  return true;
}

}  // namespace

std::string normalised(std::string text) {
  // A cut inside of a character may leave bytes that are none.
  if (is_valid_utf8(text)) text = tokenizer::lower_case(std::move(text));
  std::string result;
  bool space = false;
  for (size_t i = 0; i < text.size();) {
    const size_t skipped = space_length(std::string_view(text).substr(i));
    if (skipped > 0) {
      space = true;
      i += skipped;
      continue;
    }
    if (space && !result.empty()) result += ' ';
    space = false;
    result += text[i++];
  }
  return result;
}

std::string text_of(const Example& example, const tokenizer::Tokenizer& tok) {
  const int64_t known = tok.vocab_size();
  if (std::all_of(example.tokens.begin(), example.tokens.end(),
                  [&](int32_t id) { return id < known; })) {
    // Without special tokens: a space before the end token is one at the end of the text.
    return normalised(tok.decode(example.tokens, /*skip_special=*/true));
  }
  std::string ids = "ids";
  for (const int32_t id : example.tokens) ids += cat(" ", id);
  return ids;
}

std::vector<size_t> text_hashes(const std::vector<Example>& examples,
                                const tokenizer::Tokenizer& tok) {
  constexpr int64_t kPerTask = 64;
  std::vector<size_t> hashes(examples.size());
  at::parallel_for(0, static_cast<int64_t>(examples.size()), kPerTask,
                   [&](int64_t begin, int64_t end) {
                     for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
                       hashes[i] = std::hash<std::string>()(text_of(examples[i], tok));
                     }
                   });
  return hashes;
}

std::vector<size_t> unit_begins(const Split& split) {
  std::vector<size_t> begins;
  for (size_t i = 0; i < split.examples.size(); ++i) {
    const bool goes_on = i > 0 && !split.rows_of_chunks.empty() &&
                         split.rows_of_chunks[i] == split.rows_of_chunks[i - 1];
    if (!goes_on) begins.push_back(i);
  }
  return begins;
}

std::vector<size_t> first_of_same_text(const Split& split, const tokenizer::Tokenizer& tok) {
  const std::vector<size_t> hashes = text_hashes(split.examples, tok);
  const std::vector<size_t> begins = unit_begins(split);
  const auto size_of = [&](size_t unit) {
    return (unit + 1 < begins.size() ? begins[unit + 1] : split.examples.size()) - begins[unit];
  };
  std::unordered_map<std::string, std::vector<size_t>> seen;  // by the hashes of all examples
  std::vector<size_t> first(begins.size());
  for (size_t unit = 0; unit < begins.size(); ++unit) {
    std::string key;
    for (size_t i = 0; i < size_of(unit); ++i) key += cat(hashes[begins[unit] + i], " ");
    first[unit] = unit;
    std::vector<size_t>& same_key = seen[key];
    for (const size_t other : same_key) {
      if (!is_same_text(split, tok, begins[unit], begins[other], size_of(unit))) continue;
      first[unit] = other;
      break;
    }
    if (first[unit] == unit) same_key.push_back(unit);
  }
  return first;
}

}  // namespace unlearn::data
