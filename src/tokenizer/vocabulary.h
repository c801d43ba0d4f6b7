// Token strings and their ids, both ways.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/strings_map.h"

namespace unlearn::tokenizer {

// Ids above this are refused: no vocabulary comes near, and tables are sized by the largest id.
constexpr int32_t kMaxId = 1 << 24;

class Vocabulary {
 public:
  // UserError when the id is above kMaxId or taken by another token.
  void add(const std::string& token, int32_t id, const std::string& where);
  std::optional<int32_t> find(std::string_view token) const;
  const std::string* token(int32_t id) const;
  int32_t size() const { return static_cast<int32_t>(ids_.size()); }
  int32_t largest_id() const { return static_cast<int32_t>(tokens_.size()) - 1; }

 private:
  StringMap<int32_t> ids_;
  std::vector<const std::string*> tokens_;  // point at the keys of ids_
};

}  // namespace unlearn::tokenizer
