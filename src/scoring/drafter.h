// Guesses at the next tokens of a text from its earlier tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace unlearn::scoring {

// After a repetition of its last tokens a text often goes on as it did then, most of all when an
// unlearned model goes round in circles until it is cut off. Greedy decoding runs the guesses along
// with the last token and keeps those that it would have chosen itself: its output never depends
// on them, and a step whose time goes into reading the weights yields several tokens.
class Drafter {
 public:
  explicit Drafter(const std::vector<int32_t>& prompt) : text_(prompt) {}

  void append(int32_t token) { text_.push_back(token); }
  // At most `limit` tokens; none when nothing repeats, or while recent guesses were wrong.
  std::vector<int32_t> guess(int64_t limit);
  // How many of the last guesses came true: more are made where all did, fewer where none.
  void report(size_t guessed, size_t right);

 private:
  std::vector<int32_t> text_;  // prompt and output
  int64_t length_ = 4;         // guesses at a time
  int64_t misses_ = 0;         // wrong first guesses in a row
  int64_t pause_ = 0;          // steps to go without guessing
};

}  // namespace unlearn::scoring
