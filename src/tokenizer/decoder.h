// The `decoder` part of tokenizer.json: the tokens' spellings to text.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "unlearn/core/json.h"

namespace unlearn::tokenizer {

using Decoder = std::function<void(std::vector<std::string>&)>;

// Empty for a null part. UserError names an unknown type.
Decoder make_decoder(const Json& json, const std::string& where);

}  // namespace unlearn::tokenizer
