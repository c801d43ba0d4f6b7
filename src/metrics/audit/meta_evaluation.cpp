#include "unlearn/metrics/audit/meta_evaluation.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "unlearn/metrics/auc.h"

namespace unlearn::metrics::audit {

std::optional<double> faithfulness(std::span<const double> knows,
                                   std::span<const double> does_not) {
  return auc(does_not, knows);
}

std::optional<double> knowledge_threshold(std::span<const double> knows,
                                          std::span<const double> does_not) {
  if (knows.empty() || does_not.empty()) return std::nullopt;
  std::vector<double> values(knows.begin(), knows.end());
  values.insert(values.end(), does_not.begin(), does_not.end());
  if (std::ranges::any_of(values, [](double v) { return std::isnan(v); })) return std::nullopt;
  std::sort(values.begin(), values.end());
  std::optional<double> best;
  int64_t best_right = -1;
  for (size_t i = 0; i + 1 < values.size(); ++i) {
    if (values[i] == values[i + 1]) continue;
    const double threshold = std::midpoint(values[i], values[i + 1]);
    const auto is_above = [&](double value) { return value >= threshold; };
    const int64_t right = std::ranges::count_if(knows, is_above) +
                          static_cast<int64_t>(does_not.size()) -
                          std::ranges::count_if(does_not, is_above);
    if (right <= best_right) continue;
    best = threshold;
    best_right = right;
  }
  return best;
}

std::optional<double> relearning_one_sided(const MovedValues& values) {
  const double moved = values.unlearned_after - values.unlearned_before;
  if (moved == 0) return std::nullopt;
  return std::min((values.retain_after - values.retain_before) / moved, 1.0);
}

std::optional<double> rounding_one_sided(const MovedValues& values) {
  if (values.unlearned_after == 0) return std::nullopt;
  return std::min(values.unlearned_before / values.unlearned_after, 1.0);
}

double relearning_symmetric(const MovedValues& values) {
  return likeness(values.unlearned_after - values.unlearned_before,
                  values.retain_after - values.retain_before);
}

double rounding_symmetric(const MovedValues& values) {
  return likeness(values.unlearned_after, values.unlearned_before);
}

double likeness(double x, double y) {
  constexpr double kGuard = 1e-10;
  return std::clamp(1 - std::abs(x - y) / (std::abs(x) + std::abs(y) + kGuard), 0.0, 1.0);
}

double harmonic_mean(double x, double y) {
  if (x == 0 || y == 0) return 0;
  return 2 * x * y / (x + y);
}

}  // namespace unlearn::metrics::audit
