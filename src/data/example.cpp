#include "unlearn/data/example.h"

namespace unlearn::data {

bool hide_token(Example& example, int32_t token) {
  bool is_there = false;
  for (size_t t = 0; t < example.tokens.size(); ++t) {
    if (example.tokens[t] != token) continue;
    if (!is_there && example.seen.empty()) example.seen.assign(example.tokens.size(), 1);
    example.seen[t] = 0;
    is_there = true;
  }
  return is_there;
}

}  // namespace unlearn::data
