// The `pre_tokenizer` part of tokenizer.json: one text to the pieces that the model sees.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "unlearn/core/json.h"

namespace unlearn::tokenizer {

struct Piece {
  std::string_view text;
  bool first = false;  // starts where the whole input starts
};

// Pieces point into the input or into texts made on the way, which live here.
using Arena = std::deque<std::string>;

using PreTokenizer = std::function<void(std::vector<Piece>&, Arena&)>;

// Empty for a null part. UserError names an unknown type.
PreTokenizer make_pre_tokenizer(const Json& json, const std::string& where);

}  // namespace unlearn::tokenizer
