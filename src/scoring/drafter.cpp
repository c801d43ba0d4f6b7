#include "scoring/drafter.h"

#include <algorithm>

namespace unlearn::scoring {
namespace {

constexpr int64_t kLongestGuess = 16;
constexpr int64_t kLongestPause = 5;  // as a power of two

// Where `tokens` last ended before the end of `text`; 0 when nowhere.
size_t last_end_before(const std::vector<int32_t>& text, size_t tokens) {
  const auto ending = text.end() - static_cast<int64_t>(tokens);
  for (size_t end = text.size() - 1; end >= tokens; --end) {
    if (std::equal(ending, text.end(), text.begin() + static_cast<int64_t>(end - tokens))) {
      return end;
    }
  }
  return 0;
}

}  // namespace

std::vector<int32_t> Drafter::guess(int64_t limit) {
  std::vector<int32_t> guesses;
  if (limit <= 0 || pause_ > 0) {
    pause_ = std::max<int64_t>(0, pause_ - 1);
    return guesses;
  }
  for (const size_t tokens : {size_t{3}, size_t{2}}) {
    if (text_.size() <= tokens) continue;
    const size_t begin = last_end_before(text_, tokens);
    if (begin == 0) continue;
    // Past its end, the text goes on with the guesses: a circle of any length goes round.
    const auto known = text_.size();
    for (size_t i = begin; static_cast<int64_t>(guesses.size()) < std::min(limit, length_); ++i) {
      guesses.push_back(i < known ? text_[i] : guesses[i - known]);
    }
    break;
  }
  return guesses;
}

void Drafter::report(size_t guessed, size_t right) {
  if (guessed == 0) return;
  if (right == 0) {
    length_ = std::max<int64_t>(1, length_ / 2);
    misses_ = std::min(misses_ + 1, kLongestPause);
    pause_ = int64_t{1} << misses_;
    return;
  }
  misses_ = 0;
  length_ = right == guessed ? std::min(2 * length_, kLongestGuess)
                             : std::max<int64_t>(2, static_cast<int64_t>(right));
}

}  // namespace unlearn::scoring
