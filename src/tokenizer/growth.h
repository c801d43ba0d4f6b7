// A bound on what a tokenizer's files may make of a text: 26 replacements of a character by two are
// a few hundred bytes of JSON, and ten gigabytes of text.
#pragma once

#include <cstddef>
#include <string>

#include "unlearn/core/error.h"

namespace unlearn::tokenizer {

// Unicode's longest compatibility form has 18 times the bytes of its character; what is added once
// to a text (a prefix) is within the constant.
constexpr size_t kMostGrowth = 64;
constexpr size_t kFreeGrowth = size_t{64} << 10;

// UserError when `made` bytes are more than any honest rule makes of a text of `given` bytes.
inline void check_growth(size_t made, size_t given, const std::string& where) {
  if (made <= kFreeGrowth || (made - kFreeGrowth) / kMostGrowth <= given) return;
  user_error(where, ": makes ", made, " bytes of a text of ", given, "; more than ", kMostGrowth,
             " times as much is refused (a damaged or hostile file?)");
}

}  // namespace unlearn::tokenizer
