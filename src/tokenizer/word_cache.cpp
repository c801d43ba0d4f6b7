#include "tokenizer/word_cache.h"

namespace unlearn::tokenizer {

bool WordCache::append(std::string_view word, std::vector<int32_t>& out) const {
  if (word.size() > kMaxLength) return false;
  Shard& own = shard(word);
  const std::lock_guard lock(own.mutex);
  const auto found = own.words.find(word);
  if (found == own.words.end()) return false;
  out.insert(out.end(), found->second.begin(), found->second.end());
  return true;
}

void WordCache::remember(std::string_view word, const int32_t* begin, const int32_t* end) const {
  if (word.size() > kMaxLength) return;
  Shard& own = shard(word);
  const std::lock_guard lock(own.mutex);
  if (own.words.size() >= kMaxWords) own.words.clear();
  own.words.emplace(word, std::vector<int32_t>(begin, end));
}

}  // namespace unlearn::tokenizer
