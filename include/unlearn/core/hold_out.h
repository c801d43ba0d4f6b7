// Rows that are kept apart, so that they are measured and never trained on.
#pragma once

#include <cstdint>
#include <vector>

namespace unlearn {

struct HoldOut {
  std::vector<int64_t> held_out;  // ascending
  std::vector<int64_t> seen;      // the others, ascending
};
// A share of the rows (rounded to the nearest, at least one, never all) by the seed. A single row
// is not held out, and none is where the share is 0.
HoldOut hold_out(int64_t rows, double share, uint64_t seed);

}  // namespace unlearn
