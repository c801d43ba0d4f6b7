#include <numeric>

#include "unlearn/metrics/memorization.h"
#include "unlearn/metrics/registry.h"

namespace unlearn::metrics {

std::optional<double> exact_memorization(std::span<const uint8_t> hits) {
  if (hits.empty()) return std::nullopt;
  const double count = std::accumulate(hits.begin(), hits.end(), 0.0,
                                       [](double sum, uint8_t hit) { return sum + (hit ? 1 : 0); });
  return count / static_cast<double>(hits.size());
}

namespace {

std::optional<double> share_of_hits(const ScoredText& text, const TextOptions&) {
  return text.hits ? exact_memorization(*text.hits) : std::nullopt;
}

}  // namespace

Metric make_exact_memorization() {
  return {"exact_memorization",
          "share of answer tokens that the arg-max reproduces, given the true prefix",
          {"exact_memorization"},
          {Need::kArgmax},
          nullptr,
          share_of_hits};
}

}  // namespace unlearn::metrics
