#include "unlearn/metrics/audit/privacy.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "metrics/stats/mean.h"
#include "unlearn/core/strings.h"

namespace unlearn::metrics::audit {
namespace {

constexpr double kOverMargin = 0.1, kOverWithoutRetain = 0.4;
constexpr size_t kFewestReferences = 4;

}  // namespace

std::optional<double> membership_likeness(double auc, double retain_auc) {
  if (retain_auc == 0) return std::nullopt;
  return std::clamp(1 - std::abs(auc - retain_auc) / retain_auc, 0.0, 1.0);
}

OverUnlearning over_unlearning(double auc, std::optional<double> retain_auc) {
  OverUnlearning result;
  result.is_over = retain_auc ? auc < *retain_auc - kOverMargin : auc < kOverWithoutRetain;
  result.distinguishing = std::max(auc, 1 - auc);
  if (!result.is_over) return result;
  const std::string beside =
      retain_auc ? cat(" (the retrained model: ", number(*retain_auc, 3), ")") : "";
  result.sentence = cat("over-unlearned: AUC ", number(auc, 3), beside,
                        "; the forget texts are found by how much they are avoided, with AUC ",
                        number(result.distinguishing, 3));
  return result;
}

std::optional<double> rmia(double ratio, std::span<const double> population, double gamma) {
  if (population.empty()) return std::nullopt;
  const auto passed =
      std::ranges::count_if(population, [&](double other) { return ratio / other >= gamma; });
  return static_cast<double>(passed) / static_cast<double>(population.size());
}

std::optional<double> offline_lira(double loss, std::span<const double> losses_out) {
  if (losses_out.size() < kFewestReferences) return std::nullopt;
  const double mean = mean_of(losses_out);
  double squares = 0;
  for (const double other : losses_out) squares += (other - mean) * (other - mean);
  const double deviation = std::sqrt(squares / static_cast<double>(losses_out.size() - 1));
  if (!(deviation > 0)) return std::nullopt;
  return std::erfc(-(mean - loss) / deviation / std::numbers::sqrt2) / 2;
}

}  // namespace unlearn::metrics::audit
