// What tells one row from all others: numbers, addresses, names and rare words of its answer, and
// where they turn up in a model's outputs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace unlearn::metrics::own_data {

struct RowText {
  std::string question;
  std::string answer;
};

enum class PieceKind {
  kNumber,   // at least two digits or letters with a digit; separators kept: dates, account numbers
  kContact,  // an e-mail or web address
  kName,     // capitalised words that no sentence's begin explains
  kRare,     // a word of no other row, or of one in a thousand
  kAnswer,   // of leaks only: another row's whole answer
};
const char* piece_kind_name(PieceKind kind);

struct Piece {
  std::string text;  // as written (Unicode NFKC)
  PieceKind kind = PieceKind::kRare;
  // What is looked for: case folded, letters and digits alone, without accents. Of a date all usual
  // notations, of an amount also the part before the cents, of an umlaut also its two letters.
  std::vector<std::string> keys;
  // Of a long number, pieces of two thirds of it that no other row's number has: enough to find it.
  std::vector<std::string> parts = {};
  bool telling = false;  // chance does not bring it: at most two rows hold it, and no ordinary text
};

struct PieceOptions {
  // Numbers and names that more than max(2, this share) of the other texts hold do not tell rows
  // apart.
  double common_share = 0.1;
  // Words are called rare only where there are so many other texts to compare with, or where a row
  // has no other piece.
  int64_t rare_needs = 20;
};

// The pieces of every forget row's answer, in its order, without those its own question holds.
// `general` are further texts in which common words stand.
std::vector<std::vector<Piece>> distinguishing_pieces(std::span<const RowText> forget,
                                                      std::span<const RowText> retain,
                                                      std::span<const std::string> general = {},
                                                      const PieceOptions& options = {});

// The pieces that `output` holds and `asked` (the prompt, with what was given of the answer) does
// not. A number counts as a whole, 12 is not in 1234 nor in 12-345; of a long one, two thirds do.
std::vector<Piece> reappearing(std::span<const Piece> pieces, std::string_view output,
                               std::string_view asked);

// Whether `output` holds `answer`, case, space and punctuation aside. False for an answer without a
// letter or digit.
bool holds_answer(std::string_view output, std::string_view answer);

// A piece of row `row` in an output for another row's question.
struct Leak {
  std::string piece;
  PieceKind kind = PieceKind::kNumber;
  bool of_retain = false;
  int64_t row = 0;
};

// Finds other rows' data: numbers (years aside), addresses and names which at most two rows and no
// general text hold, and whole answers of at least three words that at most two rows give.
class LeakFinder {
 public:
  LeakFinder(std::span<const RowText> forget, std::span<const RowText> retain,
             std::span<const std::string> general = {});

  // Leaks of `output` to the question of forget row `row`, asked by `asked`; nothing that the
  // prompt, the row's own question or its own answer holds.
  std::vector<Leak> find(int64_t row, std::string_view output, std::string_view asked) const;

 private:
  struct Owned {
    Leak leak;
    std::vector<std::string> keys;
  };
  std::vector<RowText> forget_;
  std::vector<Owned> pieces_;
  std::unordered_multimap<std::string, size_t> by_key_;
  std::vector<size_t> searched_;  // pieces to be searched for: of scripts without spaces, answers
};

}  // namespace unlearn::metrics::own_data
