#include "unlearn/core/hold_out.h"

#include <algorithm>
#include <cmath>

#include "unlearn/core/error.h"
#include "unlearn/core/rng.h"

namespace unlearn {

HoldOut hold_out(int64_t rows, double share, uint64_t seed) {
  UNLEARN_CHECK(rows >= 0 && share >= 0 && share < 1, rows, " rows, share ", share);
  const auto rounded = static_cast<int64_t>(std::llround(share * static_cast<double>(rows)));
  const int64_t wanted = rows < 2 || share == 0 ? 0 : std::clamp<int64_t>(rounded, 1, rows - 1);
  const std::vector<int64_t> order = permutation(rows, seed, /*epoch=*/0);
  HoldOut result;
  result.held_out.assign(order.begin(), order.begin() + wanted);
  result.seen.assign(order.begin() + wanted, order.end());
  std::sort(result.held_out.begin(), result.held_out.end());
  std::sort(result.seen.begin(), result.seen.end());
  return result;
}

}  // namespace unlearn
