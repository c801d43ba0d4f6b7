#include "tokenizer/matcher.h"

namespace unlearn::tokenizer {

void Matcher::add(std::string_view text, int32_t value) {
  if (text.empty()) return;
  starts_[static_cast<unsigned char>(text.front())] = true;
  size_t node = 0;
  for (const char c : text) {
    const auto [entry, fresh] =
        nodes_[node].next.emplace(static_cast<unsigned char>(c), nodes_.size());
    node = entry->second;
    if (fresh) nodes_.emplace_back();
  }
  if (nodes_[node].value < 0) nodes_[node].value = value;
}

bool Matcher::next(std::string_view text, size_t position, Match& match) const {
  for (size_t begin = position; begin < text.size(); ++begin) {
    if (!starts_[static_cast<unsigned char>(text[begin])]) continue;
    size_t node = 0;
    bool found = false;
    for (size_t end = begin; end < text.size();) {
      const auto step = nodes_[node].next.find(static_cast<unsigned char>(text[end]));
      if (step == nodes_[node].next.end()) break;
      node = step->second;
      ++end;
      if (nodes_[node].value >= 0) {
        match = {{begin, end}, nodes_[node].value};
        found = true;
      }
    }
    if (found) return true;
  }
  return false;
}

}  // namespace unlearn::tokenizer
