#include "unlearn/metrics/own_data/preference.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "metrics/own_data/quantile.h"
#include "unlearn/core/error.h"
#include "unlearn/core/rng.h"
#include "unlearn/metrics/auc.h"

namespace unlearn::metrics::own_data {
namespace {

// 1, 1/2 or 0 for each alternative that the true answer beats, equals or loses to.
std::vector<double> outcomes_of(const AnswerScores& scores) {
  std::vector<double> outcomes;
  for (const double other : scores.others) {
    outcomes.push_back(scores.own > other ? 1.0 : scores.own == other ? 0.5 : 0.0);
  }
  return outcomes;
}

double mean_of_draws(const std::vector<double>& values, Rng& rng) {
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    sum += values[static_cast<size_t>(rng.below(static_cast<int64_t>(values.size())))];
  }
  return sum / static_cast<double>(values.size());
}

}  // namespace

std::optional<RowPreference> row_preference(const AnswerScores& scores) {
  const std::optional<double> share = auc(scores.others, std::span(&scores.own, 1));
  if (!share) return std::nullopt;
  double rank = 1;
  for (const double won : outcomes_of(scores)) rank += 1 - won;
  return RowPreference{rank, *share};
}

std::optional<Preference> preference(std::span<const AnswerScores> rows,
                                     const PreferenceOptions& options) {
  UNLEARN_CHECK(options.resamples > 0, "resamples ", options.resamples);
  Preference result;
  std::vector<std::vector<double>> outcomes;
  for (const AnswerScores& row : rows) {
    result.rows.push_back(row_preference(row));
    if (!result.rows.back()) continue;
    result.auc += result.rows.back()->auc;
    outcomes.push_back(outcomes_of(row));
  }
  if (outcomes.empty()) return std::nullopt;
  const auto count = static_cast<int64_t>(outcomes.size());
  result.auc /= static_cast<double>(count);
  Rng rng(options.seed);
  std::vector<double> draws;
  for (int64_t draw = 0; draw < options.resamples; ++draw) {
    double sum = 0;
    for (int64_t i = 0; i < count; ++i) {
      sum += mean_of_draws(outcomes[static_cast<size_t>(rng.below(count))], rng);
    }
    draws.push_back(sum / static_cast<double>(count));
  }
  std::tie(result.low, result.high) = middle_of(std::move(draws), options.confidence);
  result.avoided = result.auc < kAvoidedBelow;
  return result;
}

}  // namespace unlearn::metrics::own_data
