#include "unlearn/metrics/audit/depth_score.h"

#include <algorithm>

#include "metrics/stats/mean.h"
#include "unlearn/core/error.h"

namespace unlearn::metrics::audit {
namespace {

constexpr double kLeastContribution = 0.05;

}  // namespace

std::optional<double> row_depth_score(const LayerFalls& falls) {
  UNLEARN_CHECK(falls.retain.size() == falls.unlearned.size(), falls.retain.size(), " and ",
                falls.unlearned.size(), " layers");
  double erased = 0, whole = 0;
  for (size_t layer = 0; layer < falls.retain.size(); ++layer) {
    const double contribution = falls.retain[layer];
    if (!(contribution > kLeastContribution)) continue;
    erased += contribution * std::clamp(falls.unlearned[layer] / contribution, 0.0, 1.0);
    whole += contribution;
  }
  if (whole == 0) return std::nullopt;
  return erased / whole;
}

std::optional<double> depth_score(std::span<const LayerFalls> rows) {
  std::vector<double> scores;
  for (const LayerFalls& row : rows) {
    if (const auto score = row_depth_score(row)) scores.push_back(*score);
  }
  if (scores.empty()) return std::nullopt;
  return mean_of(scores);
}

}  // namespace unlearn::metrics::audit
