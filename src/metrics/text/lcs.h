#pragma once

#include <cstdint>
#include <span>

namespace unlearn::metrics {

// Length of the longest common subsequence. Values of `a` and `b` are in [0, num_symbols).
// Bit-parallel (Hyyro, "Bit-parallel LCS-length computation revisited", 2004): O(|a| |b| / 64)
// time, O(num_symbols |a| / 64) memory.
int64_t lcs_length(std::span<const int32_t> a, std::span<const int32_t> b, int32_t num_symbols);

}  // namespace unlearn::metrics
