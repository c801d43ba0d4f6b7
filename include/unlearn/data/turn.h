// One turn of a conversation.
#pragma once

#include <string>

namespace unlearn::data {

struct Turn {
  std::string role;  // "system", "user" or "assistant"
  std::string content;
};

}  // namespace unlearn::data
