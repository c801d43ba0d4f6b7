#include "metrics/own_data/text.h"

#include <algorithm>
#include <unordered_set>

#include "metrics/own_data/unicode_text.h"
#include "unlearn/core/strings.h"

namespace unlearn::metrics::own_data {
namespace {

using View = std::u32string_view;

bool is_apostrophe(char32_t c) { return c == U'\'' || c == U'\u2019' || c == U'\u02BC'; }
bool is_dash(char32_t c) { return c == U'-' || c == U'\u2010' || c == U'\u2011'; }
bool is_blank(char32_t c) {
  return c == U' ' || (c >= 0x09 && c <= 0x0D) || c == 0x85 || c == 0x2028 || c == 0x2029 ||
         c == 0x3000;
}
// The end of a sentence, or what begins one anew.
bool ends_sentence(char32_t c) {
  return View(U".!?:;\n\u3002\uFF01\uFF1F\u2026\u0964").find(c) != View::npos;
}

// Whether the character at `i` joins its neighbours into one chunk.
bool joins(View text, size_t i) {
  if (i == 0 || i + 1 >= text.size()) return false;
  const char32_t left = text[i - 1], c = text[i], right = text[i + 1];
  if (!is_alnum(left) || !is_alnum(right)) return false;
  const bool digits = is_digit(left) && is_digit(right);
  if (is_apostrophe(c)) return digits || (is_letter(left) && is_letter(right));
  if (is_dash(c)) return true;
  return digits && View(U".,:/\u2044_").find(c) != View::npos;
}

size_t chunk_end(View text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && (is_alnum(text[end]) || joins(text, end))) ++end;
  return end;
}

// The end of an e-mail or web address that begins at `begin`; `begin` where there is none.
size_t contact_end(View text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && !is_blank(text[end]) &&
         View(U"<>()[]\"").find(text[end]) == View::npos)
    ++end;
  while (end > begin && !is_alnum(text[end - 1])) --end;
  const View run = text.substr(begin, end - begin);
  const size_t at = run.find(U'@');
  const bool mail = at != View::npos && at > 0 && run.find(U'.', at) != View::npos;
  const bool web = run.find(U"://") != View::npos || run.starts_with(U"www.");
  return mail || web ? end : begin;
}

// Without the 's of a possessive.
View without_possessive(View word) {
  const size_t n = word.size();
  const bool has =
      n > 2 && is_apostrophe(word[n - 2]) && (word[n - 1] == U's' || word[n - 1] == U'S');
  return has ? word.substr(0, n - 2) : word;
}

Token make_token(View text, size_t begin, size_t end, Shape shape) {
  Token token;
  const View written = text.substr(begin, end - begin);
  token.text = to_utf8(written);
  token.key = fold_key(shape == Shape::kWord ? without_possessive(written) : written);
  token.shape = shape;
  token.capital = is_capital(written.front());
  token.unspaced = is_unspaced(written.front());
  token.begin = begin;
  token.end = end;
  return token;
}

// A chunk as one number or word; a run with letters of a script without spaces as its words.
void append_chunk(View text, size_t begin, size_t end, std::vector<Token>& tokens) {
  const View chunk = text.substr(begin, end - begin);
  if (std::none_of(chunk.begin(), chunk.end(), is_unspaced)) {
    const bool number = std::any_of(chunk.begin(), chunk.end(), is_digit);
    tokens.push_back(make_token(text, begin, end, number ? Shape::kNumber : Shape::kWord));
    return;
  }
  for (const auto& [from, to] : dictionary_words(chunk)) {
    const View word = chunk.substr(from, to - from);
    if (std::none_of(word.begin(), word.end(), is_alnum)) continue;
    const bool number = std::any_of(word.begin(), word.end(), is_digit);
    tokens.push_back(
        make_token(text, begin + from, begin + to, number ? Shape::kNumber : Shape::kWord));
  }
}

}  // namespace

std::vector<Token> plain_tokens(View text) {
  std::vector<Token> tokens;
  bool opens = true;
  size_t last_end = 0;
  for (size_t i = 0; i < text.size();) {
    if (!is_alnum(text[i])) {
      opens |= ends_sentence(text[i]);
      ++i;
      continue;
    }
    const size_t known = tokens.size();
    size_t end = contact_end(text, i);
    if (end > i) {
      tokens.push_back(make_token(text, i, end, Shape::kContact));
    } else {
      end = chunk_end(text, i);
      append_chunk(text, i, end, tokens);
    }
    for (size_t t = known; t < tokens.size(); ++t) {
      tokens[t].gap = to_utf8(text.substr(last_end, tokens[t].begin - last_end));
      last_end = tokens[t].end;
      tokens[t].opens = opens && t == known;
    }
    opens = false;
    i = end;
  }
  return tokens;
}

namespace {

int64_t count_digits(const std::string& key) {
  const std::u32string text = compatible_form(key);
  return std::count_if(text.begin(), text.end(), is_digit);
}

// "DE12 3456 7890": a group of digits behind a space goes on with the number before.
bool continues(const Token& before, const Token& token) {
  return before.shape == Shape::kNumber && token.shape == Shape::kNumber && token.gap == " " &&
         count_digits(before.key) >= 2 && token.key.size() >= 2 && all_digits(token.key) &&
         is_digit(compatible_form(before.key).back());
}

}  // namespace

bool all_digits(const std::string& key) {
  const std::u32string text = compatible_form(key);
  return std::all_of(text.begin(), text.end(), is_digit);
}

std::vector<std::string> runs_of(View text) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < text.size();) {
    if (!is_alnum(text[i])) {
      ++i;
      continue;
    }
    const bool digits = is_digit(text[i]);
    size_t end = i;
    while (end < text.size() &&
           ((is_alnum(text[end]) && is_digit(text[end]) == digits) ||
            (!digits && is_apostrophe(text[end]) && joins(text, end) && is_letter(text[end + 1]))))
      ++end;
    const View run = text.substr(i, end - i);
    if (std::string key = fold_key(digits ? run : without_possessive(run)); !key.empty()) {
      parts.push_back(std::move(key));
    }
    i = end;
  }
  return parts;
}

std::vector<Token> tokens_of(std::string_view text) {
  const std::u32string normal = compatible_form(text);
  std::vector<Token> tokens;
  for (Token& token : plain_tokens(normal)) {
    if (token.key.empty()) continue;
    if (!tokens.empty() && continues(tokens.back(), token)) {
      Token& whole = tokens.back();
      whole.text += token.gap + token.text;
      whole.key += token.key;
      whole.end = token.end;
    } else {
      tokens.push_back(std::move(token));
    }
  }
  return tokens;
}

bool is_unspaced_key(const std::string& key) {
  const std::u32string text = compatible_form(key);
  return std::any_of(text.begin(), text.end(), is_unspaced);
}

std::string digraph_key(std::string_view text) {
  const std::u32string normal = compatible_form(text);
  const std::u32string other = with_digraphs(normal);
  return other == normal ? "" : join(runs_of(other), "");
}

std::string key_of(std::string_view text) { return join(runs_of(compatible_form(text)), ""); }

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (const Token& token : plain_tokens(compatible_form(text))) {
    if (token.unspaced) {
      words.push_back(token.key);
      continue;
    }
    for (std::string& part : runs_of(compatible_form(token.text))) words.push_back(std::move(part));
  }
  return words;
}

int64_t code_points(std::string_view utf8) {
  return std::count_if(utf8.begin(), utf8.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

}  // namespace unlearn::metrics::own_data
