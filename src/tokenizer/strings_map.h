// A hash map from strings that finds by string_view without a copy.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

namespace unlearn::tokenizer {

struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

template <class Value>
using StringMap = std::unordered_map<std::string, Value, StringHash, std::equal_to<>>;

}  // namespace unlearn::tokenizer
