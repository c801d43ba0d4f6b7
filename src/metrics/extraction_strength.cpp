#include "unlearn/metrics/memorization.h"
#include "unlearn/metrics/registry.h"

namespace unlearn::metrics {

double extraction_strength(std::span<const uint8_t> hits, bool strict) {
  if (hits.empty()) return 0;
  size_t k = hits.size();
  while (k > 0 && hits[k - 1] != 0) --k;
  if (k == hits.size() && !strict) --k;
  return 1 - static_cast<double>(k) / static_cast<double>(hits.size());
}

namespace {

std::optional<double> strength_of_hits(const ScoredText& text, const TextOptions& options) {
  if (!text.hits) return std::nullopt;
  return extraction_strength(*text.hits, options.es_strict);
}

}  // namespace

Metric make_extraction_strength() {
  return {"extraction_strength",
          "how short a prefix suffices for the arg-max to reproduce the rest of the answer",
          {"extraction_strength"},
          {Need::kArgmax},
          nullptr,
          strength_of_hits};
}

}  // namespace unlearn::metrics
