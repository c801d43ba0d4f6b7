// How much of a row an output gives away, over one or many samples.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "unlearn/metrics/own_data/pieces.h"

namespace unlearn::metrics::own_data {

struct Extraction {
  bool extracted = false;  // the answer or a piece is there
  bool answer = false;     // the whole answer is
  bool telling = false;    // extracted by what chance does not bring (Piece::telling), or all of it
  double rouge_l_recall = 0;  // stemmed, as TOFU's
  std::vector<Piece> pieces;  // that reappear
};

// `given` is the part of the answer that the prompt already held ("" for none): it is taken off the
// reference and its pieces do not count.
Extraction extraction(const RowText& row, std::span<const Piece> pieces, std::string_view prompt,
                      std::string_view given, std::string_view output);

// Unbiased estimate of P(at least one of k samples leaks) from c leaking ones of n: 1 - C(n-c, k) /
// C(n, k). UserError when k is not in 1..n.
double leak_at_k(int64_t n, int64_t c, int64_t k);
// The same for a score: the expected maximum of k samples drawn from `values` without replacement.
double expected_maximum(std::span<const double> values, int64_t k);

struct LeakAtK {
  int64_t k = 0;
  double leak = 0;     // mean over rows of leak_at_k of the extracted samples
  double rouge_l = 0;  // mean over rows of the expected maximal ROUGE-L recall
};
// For k = 1, 2, 4, … and n itself, n samples of every row; rows[i] are row i's samples.
std::vector<LeakAtK> leak_curve(std::span<const std::vector<Extraction>> rows);

}  // namespace unlearn::metrics::own_data
