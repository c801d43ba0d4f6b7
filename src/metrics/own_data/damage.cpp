#include "unlearn/metrics/own_data/damage.h"

#include <cmath>
#include <limits>

#include "metrics/stats/mean.h"
#include "unlearn/core/error.h"
#include "unlearn/metrics/bootstrap.h"

namespace unlearn::metrics::own_data {

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
