#include <algorithm>

#include "metrics/own_data/text.h"
#include "metrics/own_data/unicode_text.h"
#include "unlearn/core/strings.h"

namespace unlearn::metrics::own_data {
namespace {

constexpr std::string_view kPluralEndings[] = {"s", "es"};

// Whether a word may be another one with this ending.
bool is_plural_of(std::string_view word, std::string_view ending) {
  constexpr size_t kWord = 5;  // letters of the word itself
  return word.size() >= kWord + ending.size() && word.ends_with(ending) &&
         word.find_first_of("0123456789") == std::string_view::npos;
}

// Without letters glued to either end of a number.
std::string bare_number(const std::string& key) {
  const std::u32string text = compatible_form(key);
  const auto first = std::find_if(text.begin(), text.end(), is_digit);
  const auto last = std::find_if(text.rbegin(), text.rend(), is_digit).base();
  return first < last ? to_utf8(std::u32string(first, last)) : key;
}

// Numbers that are read out in ones or twos ("7 7 1 9", "77, 19"): all of a row of such groups.
std::vector<std::string> read_out_numbers(const std::vector<Token>& tokens) {
  constexpr size_t kGroup = 2, kLeast = 3;
  const auto is_group = [&](const Token& token) {
    return token.shape == Shape::kNumber && token.key.size() <= kGroup && all_digits(token.key);
  };
  std::vector<std::string> numbers;
  for (size_t i = 0; i < tokens.size();) {
    size_t end = i + 1;
    if (!is_group(tokens[i])) {
      i = end;
      continue;
    }
    std::string number = tokens[i].key;
    while (end < tokens.size() && is_group(tokens[end]) && tokens[end].gap.size() <= 3 &&
           tokens[end].gap == tokens[i + 1].gap) {
      number += tokens[end++].key;
    }
    if (end > i + 1 && number.size() >= kLeast) numbers.push_back(number);
    i = end;
  }
  return numbers;
}

bool is_short_number(const std::string& key) {
  constexpr int64_t kLong = 5;
  if (code_points(key) >= kLong) return false;
  const std::u32string text = compatible_form(key);
  return std::any_of(text.begin(), text.end(), is_digit);
}

}  // namespace

Searched::Searched(std::string_view text) {
  const std::u32string normal = compatible_form(text);
  parts_ = runs_of(normal);
  joined_ = join(parts_, "");
  const std::vector<Token> tokens = plain_tokens(normal);
  for (const Token& token : tokens) {
    if (token.shape != Shape::kNumber) continue;
    chunks_.push_back(token.key);
    chunks_.push_back(bare_number(token.key));
  }
  for (std::string& number : read_out_numbers(tokens)) chunks_.push_back(std::move(number));
}

std::vector<std::string> Searched::keys() const {
  constexpr size_t kParts = 12;
  std::vector<std::string> all = chunks_;
  for (size_t begin = 0; begin < parts_.size(); ++begin) {
    std::string key;
    for (size_t i = begin; i < std::min(begin + kParts, parts_.size()); ++i) {
      key += parts_[i];
      if (is_short_number(key)) continue;
      all.push_back(key);
      for (const std::string_view ending : kPluralEndings) {
        if (is_plural_of(parts_[i], ending))
          all.push_back(key.substr(0, key.size() - ending.size()));
      }
    }
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

bool Searched::holds(const std::string& key) const {
  if (key.empty()) return false;
  if (is_unspaced_key(key)) return joined_.find(key) != std::string::npos;
  if (is_short_number(key)) return std::find(chunks_.begin(), chunks_.end(), key) != chunks_.end();
  for (size_t begin = 0; begin < parts_.size(); ++begin) {
    size_t matched = 0;
    for (size_t i = begin; i < parts_.size(); ++i) {
      const std::string_view rest = std::string_view(key).substr(matched);
      for (const std::string_view ending : kPluralEndings) {
        if (is_plural_of(parts_[i], ending) && parts_[i].size() == rest.size() + ending.size() &&
            parts_[i].starts_with(rest)) {
          return true;
        }
      }
      if (key.compare(matched, parts_[i].size(), parts_[i]) != 0) break;
      matched += parts_[i].size();
      if (matched == key.size()) return true;
    }
  }
  return false;
}

}  // namespace unlearn::metrics::own_data
