// Cuts a text at added tokens as transformers' Python tokenizers do (tokenization_python.py,
// `tokenize`): first the tokens are found, then their strip flags eat spaces of their neighbours.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/added_tokens.h"
#include "tokenizer/matcher.h"

namespace unlearn::tokenizer {

struct TextPart {
  std::string text;  // may be empty where a token has eaten all of it
  int32_t id;        // -1: text for the model
};

// `matcher` finds the spellings of `tokens` and gives their ids.
std::vector<TextPart> cut_at_tokens(std::string_view text, const Matcher& matcher,
                                    const std::map<int32_t, AddedToken>& tokens);

}  // namespace unlearn::tokenizer
