// The candidates for pieces of one row, and how many other texts hold their words.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "metrics/own_data/text.h"
#include "unlearn/metrics/own_data/pieces.h"

namespace unlearn::metrics::own_data {

// In how many rows and general texts each word stands. English endings are taken off.
class Occurrences {
 public:
  Occurrences(std::span<const RowText> forget, std::span<const RowText> retain,
              std::span<const std::string> general);

  // Texts other than the one of `row` that hold every one of `words` at most so often as the
  // rarest.
  int64_t others(const std::vector<std::string>& words) const;
  int64_t in_general(const std::vector<std::string>& words) const;
  // Rows whose numbers hold this part of a long number (number_parts).
  int64_t rows_with_part(const std::string& part) const;
  // Whether a word stands somewhere without a capital: an ordinary word, although titles have it.
  bool is_ordinary(const std::string& word) const { return small_.contains(word); }
  int64_t texts() const { return texts_; }

 private:
  void count(const std::string& text, std::unordered_map<std::string, int64_t>& counts);

  std::unordered_map<std::string, int64_t> rows_, general_;
  std::unordered_set<std::string> small_;
  int64_t texts_ = 0;
};

// A word as Occurrences counts it.
std::string counted_form(const std::string& key);

struct ScannedPiece {
  Piece piece;
  std::vector<std::string> words;  // as Occurrences counts them
  int64_t others = 0;              // texts besides the row's own with these words, at most
  bool of_name = false;            // a single word of a longer name
};

// In the order of the answer; none that the row's own question holds.
std::vector<ScannedPiece> scan_pieces(const RowText& row, const Occurrences& all,
                                      const PieceOptions& options);

}  // namespace unlearn::metrics::own_data
