#include "metrics/text/lcs.h"

#include <algorithm>
#include <bit>
#include <vector>

namespace unlearn::metrics {
namespace {

// Texts past this many mask words fall back to the plain two-row table, whose memory is O(|a|).
constexpr size_t kMaxMaskWords = size_t{1} << 22;

int64_t lcs_by_table(std::span<const int32_t> a, std::span<const int32_t> b) {
  std::vector<int64_t> row(a.size() + 1, 0);
  for (const int32_t symbol : b) {
    int64_t diagonal = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      const int64_t above = row[i + 1];
      row[i + 1] = a[i] == symbol ? diagonal + 1 : std::max(above, row[i]);
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

int64_t lcs_length(std::span<const int32_t> a, std::span<const int32_t> b, int32_t num_symbols) {
  if (a.empty() || b.empty()) return 0;
  const size_t words = (a.size() + 63) / 64;
  const size_t symbols = static_cast<size_t>(num_symbols);
  if (symbols > kMaxMaskWords / words) return lcs_by_table(a, b);
  std::vector<uint64_t> masks(symbols * words, 0);  // [symbol, word] where the symbol is in a
  for (size_t i = 0; i < a.size(); ++i) {
    masks[static_cast<size_t>(a[i]) * words + i / 64] |= uint64_t{1} << (i % 64);
  }
  // A zero bit i means that the LCS grows at position i of a.
  std::vector<uint64_t> state(words, ~uint64_t{0});
  for (const int32_t symbol : b) {
    const uint64_t* mask = &masks[static_cast<size_t>(symbol) * words];
    uint64_t carry = 0;
    for (size_t w = 0; w < words; ++w) {
      const uint64_t matched = state[w] & mask[w];
      uint64_t sum = state[w] + carry;
      carry = sum < carry ? 1 : 0;
      sum += matched;
      carry |= sum < matched ? 1 : 0;
      state[w] = sum | (state[w] & ~mask[w]);
    }
  }
  int64_t length = 0;
  for (size_t w = 0; w < words; ++w) {
    const size_t used = std::min<size_t>(64, a.size() - w * 64);
    const uint64_t valid = used == 64 ? ~uint64_t{0} : (uint64_t{1} << used) - 1;
    length += std::popcount(~state[w] & valid);
  }
  return length;
}

}  // namespace unlearn::metrics
