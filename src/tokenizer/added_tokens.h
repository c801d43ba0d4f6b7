// Tokens beside the model's vocabulary: found in the text before the model sees it.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "tokenizer/json_fields.h"
#include "tokenizer/matcher.h"
#include "tokenizer/model.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/strings_map.h"

namespace unlearn::tokenizer {

struct AddedToken {
  std::string content;
  bool single_word = false;
  bool lstrip = false;
  bool rstrip = false;
  std::optional<bool> normalized;  // unset: as `special` has it
  bool special = false;

  bool in_normalized_text() const { return normalized.value_or(!special); }
};

// From {"content": …, …}. The flags default as transformers' AddedToken has them.
// UserError for an unknown flag.
AddedToken parse_added_token(const Fields& fields);

class AddedTokens {
 public:
  // A token that the model knows keeps the model's id; another gets the next free one (the file's
  // own id is not asked, as in `tokenizers`).
  void add(const AddedToken& token, const Model& model);
  // Call once after the last add().
  void index(const Normalizer& normalizer);

  std::optional<int32_t> find(std::string_view token) const;
  const AddedToken* token(int32_t id) const;
  bool is_special(std::string_view token) const { return special_.count(std::string(token)) > 0; }
  int32_t largest_id() const { return tokens_.empty() ? -1 : tokens_.rbegin()->first; }

  struct Segment {
    std::string_view text;
    int32_t id;  // -1: text for the model
  };
  // `normalized`: the tokens that are looked for in normalised text, else the others.
  std::vector<Segment> split(std::string_view text, bool normalized) const;
  // Special tokens in a text are text like any other (transformers' split_special_tokens).
  void split_special_tokens(bool on) { split_special_ = on; }
  // The tokens with all flags, by id.
  const std::map<int32_t, AddedToken>& all() const { return tokens_; }

 private:
  StringMap<int32_t> ids_;
  std::map<int32_t, AddedToken> tokens_;
  std::set<std::string> special_;  // once special, always: as in `tokenizers`
  bool split_special_ = false;
  Matcher raw_, normalized_;
};

}  // namespace unlearn::tokenizer
