// The `normalizer` part of tokenizer.json: text to text.
#pragma once

#include <functional>
#include <string>

#include "unlearn/core/json.h"

namespace unlearn::tokenizer {

using Normalizer = std::function<std::string(std::string)>;

// Empty for a null part. UserError names an unknown type.
Normalizer make_normalizer(const Json& json, const std::string& where);

}  // namespace unlearn::tokenizer
