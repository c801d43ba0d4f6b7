// Remembers the ids of words; many threads read and fill it at once.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "tokenizer/strings_map.h"

namespace unlearn::tokenizer {

class WordCache {
 public:
  // Appends the ids of a known word; false when it is not known.
  bool append(std::string_view word, std::vector<int32_t>& out) const;
  void remember(std::string_view word, const int32_t* begin, const int32_t* end) const;

 private:
  static constexpr size_t kMaxLength = 256;  // longer words hardly come back
  static constexpr size_t kMaxWords = 8192;  // per shard; a full shard starts again
  struct Shard {
    std::mutex mutex;
    StringMap<std::vector<int32_t>> words;
  };
  Shard& shard(std::string_view word) const { return shards_[StringHash{}(word) % shards_.size()]; }

  mutable std::array<Shard, 16> shards_;
};

}  // namespace unlearn::tokenizer
