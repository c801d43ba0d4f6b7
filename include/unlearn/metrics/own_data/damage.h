// What unlearning did to the rest: which rows are watched, and how far they fell.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "unlearn/metrics/own_data/pieces.h"

namespace unlearn::metrics::own_data {

struct Neighbour {
  int64_t row = 0;        // of the retain set
  double similarity = 0;  // to the nearest of the forget rows that have it among theirs
};
// The retain rows nearest to the forget rows by words: cosine of tf-idf vectors (smoothed idf as
// scikit-learn's TfidfVectorizer; words as in rouge.h for ASCII, Unicode's letters and digits
// otherwise). Up to `per_row` for each forget row, none twice, none without a common word; nearest
// first, equally near ones in row order.
std::vector<Neighbour> neighbours(std::span<const RowText> forget, std::span<const RowText> retain,
                                  int64_t per_row = 3);

// Mean log-probabilities per label token of the same rows before and after.
struct BeforeAfter {
  std::vector<double> before, after;
};
struct Damage {
  int64_t rows = 0;
  double mean_before = 0, mean_after = 0;
  double fall = 0;                     // mean_before - mean_after: nats per token, > 0 is worse
  double fall_low = 0, fall_high = 0;  // 95 % of a paired bootstrap over rows; equal for one row
  double lost() const;  // share of the probability per token that is gone: 1 - exp(-fall)
};
// None without rows. A value that is not finite makes the fall infinite.
std::optional<Damage> damage(const BeforeAfter& rows);

}  // namespace unlearn::metrics::own_data
