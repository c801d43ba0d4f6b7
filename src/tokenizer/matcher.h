// Finds any of many fixed strings in a text, from left to right, the longest first.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/regex.h"

namespace unlearn::tokenizer {

class Matcher {
 public:
  // Of equal strings the first one wins. Empty strings never match.
  void add(std::string_view text, int32_t value);
  bool empty() const { return nodes_.size() == 1; }

  struct Match {
    Span span;
    int32_t value;
  };
  // The leftmost match that begins at or after `position`, the longest there; false if none.
  bool next(std::string_view text, size_t position, Match& match) const;

 private:
  struct Node {
    int32_t value = -1;
    std::map<unsigned char, size_t> next;
  };
  std::vector<Node> nodes_ = std::vector<Node>(1);
  bool starts_[256] = {};
};

}  // namespace unlearn::tokenizer
