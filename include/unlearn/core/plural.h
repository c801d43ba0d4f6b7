// Counts as people write them: "1 row", "2 rows".
#pragma once

#include "unlearn/core/strings.h"

namespace unlearn {

// `plural` where it is not the noun with an s.
template <class Number>
std::string counted(Number count, const std::string& noun, const std::string& plural = "") {
  return cat(count, " ", count == Number{1} ? noun : plural.empty() ? noun + "s" : plural);
}

}  // namespace unlearn
