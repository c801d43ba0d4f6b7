#include "tokenizer/added_tokens.h"

#include <algorithm>

#include "tokenizer/unicode.h"
#include "tokenizer/vocabulary.h"
#include "unlearn/core/error.h"

namespace unlearn::tokenizer {

AddedToken parse_added_token(const Fields& fields) {
  fields.only(
      {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special", "__type"});
  AddedToken token;
  token.content = fields.text("content");
  token.single_word = fields.flag_or("single_word", false);
  token.lstrip = fields.flag_or("lstrip", false);
  token.rstrip = fields.flag_or("rstrip", false);
  token.special = fields.flag_or("special", false);
  if (fields.find("normalized") != nullptr) token.normalized = fields.flag("normalized");
  return token;
}

void AddedTokens::add(const AddedToken& token, const Model& model) {
  if (token.content.empty()) return;
  if (token.special) special_.insert(token.content);
  int32_t id = 0;
  if (const auto known = find(token.content)) {
    id = *known;
  } else if (const auto of_model = model.find(token.content)) {
    id = *of_model;
  } else {
    id = std::max(model.size(), largest_id() + 1);
  }
  ids_[token.content] = id;
  tokens_[id] = token;
}

void AddedTokens::index(const Normalizer& normalizer) {
  raw_ = normalized_ = Matcher();
  for (const auto& [id, token] : tokens_) {
    if (token.in_normalized_text()) {
      normalized_.add(normalizer ? normalizer(token.content) : token.content, id);
    } else {
      raw_.add(token.content, id);
    }
  }
}

std::optional<int32_t> AddedTokens::find(std::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

const AddedToken* AddedTokens::token(int32_t id) const {
  const auto found = tokens_.find(id);
  return found == tokens_.end() ? nullptr : &found->second;
}

std::vector<AddedTokens::Segment> AddedTokens::split(std::string_view text, bool normalized) const {
  const Matcher& matcher = normalized ? normalized_ : raw_;
  std::vector<Segment> segments;
  size_t done = 0;
  size_t position = 0;
  Matcher::Match match;
  while (!matcher.empty() && matcher.next(text, position, match)) {
    position = match.span.end;
    auto [begin, end] = match.span;
    const AddedToken& token = tokens_.at(match.value);
    if (split_special_ && is_special(token.content)) continue;
    if (token.single_word) {
      size_t after = end;
      const bool word_before =
          begin > 0 && is_word_character(last_code_point(text.substr(0, begin)));
      const bool word_after = end < text.size() && is_word_character(next_code_point(text, after));
      if (word_before || word_after) continue;
    }
    if (token.lstrip) begin = std::max(begin - trailing_whitespace(text.substr(0, begin)), done);
    if (token.rstrip) end += leading_whitespace(text.substr(end));
    if (done < begin) segments.push_back({text.substr(done, begin - done), -1});
    segments.push_back({text.substr(begin, end - begin), match.value});
    done = end;
  }
  if (done < text.size()) segments.push_back({text.substr(done), -1});
  return segments;
}

}  // namespace unlearn::tokenizer
