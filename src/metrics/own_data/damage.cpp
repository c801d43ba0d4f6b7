#include "unlearn/metrics/own_data/damage.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "metrics/stats/mean.h"
#include "unlearn/core/error.h"
#include "unlearn/core/rng.h"
#include "unlearn/metrics/bootstrap.h"

namespace unlearn::metrics::own_data {

HoldOut hold_out(int64_t rows, uint64_t seed) {
  UNLEARN_CHECK(rows >= 0, "rows ", rows);
  constexpr int64_t kShare = 5;
  const int64_t wanted = rows < 2 ? 0 : std::max<int64_t>(1, (rows + kShare / 2) / kShare);
  const std::vector<int64_t> order = permutation(rows, seed, /*epoch=*/0);
  HoldOut result;
  result.held_out.assign(order.begin(), order.begin() + wanted);
  result.seen.assign(order.begin() + wanted, order.end());
  std::sort(result.held_out.begin(), result.held_out.end());
  std::sort(result.seen.begin(), result.seen.end());
  return result;
}

double Damage::lost() const { return -std::expm1(-fall); }

std::optional<Damage> damage(const BeforeAfter& rows) {
  UNLEARN_CHECK(rows.before.size() == rows.after.size(), rows.before.size(), " before, ",
                rows.after.size(), " after");
  if (rows.before.empty()) return std::nullopt;
  Damage result;
  result.rows = static_cast<int64_t>(rows.before.size());
  result.mean_before = mean_of(rows.before);
  result.mean_after = mean_of(rows.after);
  if (!std::isfinite(result.mean_before) || !std::isfinite(result.mean_after)) {
    result.fall = result.fall_low = result.fall_high = std::numeric_limits<double>::infinity();
    return result;
  }
  std::vector<double> falls;
  for (size_t i = 0; i < rows.before.size(); ++i) falls.push_back(rows.before[i] - rows.after[i]);
  const auto interval = bootstrap_mean(falls, {.resamples = 2000});
  result.fall = interval->mean;
  result.fall_low = interval->low;
  result.fall_high = interval->high;
  return result;
}

}  // namespace unlearn::metrics::own_data
