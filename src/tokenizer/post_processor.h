// The `post_processor` part of tokenizer.json, as far as it adds tokens to one sequence.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "unlearn/core/json.h"

namespace unlearn::tokenizer {

// Ids that go before and after a sequence when special tokens are asked for.
struct Affixes {
  std::vector<int32_t> before, after;
};

// UserError names an unknown type.
Affixes read_post_processor(const Json& json, const std::string& where);

}  // namespace unlearn::tokenizer
