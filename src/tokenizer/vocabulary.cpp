#include "tokenizer/vocabulary.h"

#include "unlearn/core/error.h"

namespace unlearn::tokenizer {

void Vocabulary::add(const std::string& token, int32_t id, const std::string& where) {
  if (id > kMaxId) user_error(where, ": token '", token, "' has id ", id, ", above ", kMaxId);
  const auto [entry, fresh] = ids_.emplace(token, id);
  if (!fresh) user_error(where, ": token '", token, "' appears twice");
  const auto index = static_cast<size_t>(id);
  if (index >= tokens_.size()) tokens_.resize(index + 1, nullptr);
  if (tokens_[index] != nullptr) {
    user_error(where, ": tokens '", *tokens_[index], "' and '", token, "' have the same id ", id);
  }
  tokens_[index] = &entry->first;
}

std::optional<int32_t> Vocabulary::find(std::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

const std::string* Vocabulary::token(int32_t id) const {
  if (id < 0 || id > largest_id()) return nullptr;
  return tokens_[static_cast<size_t>(id)];
}

}  // namespace unlearn::tokenizer
