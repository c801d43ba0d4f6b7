#include "unlearn/metrics/own_data/membership.h"

#include <tuple>

#include "metrics/own_data/quantile.h"
#include "unlearn/core/error.h"
#include "unlearn/core/rng.h"
#include "unlearn/metrics/auc.h"

namespace unlearn::metrics::own_data {
namespace {

void draw_again(const std::vector<double>& values, Rng& rng, std::vector<double>& drawn) {
  drawn.resize(values.size());
  for (double& value : drawn) {
    value = values[static_cast<size_t>(rng.below(static_cast<int64_t>(values.size())))];
  }
}

}  // namespace

std::optional<Membership> membership(const AttackScores& scores, uint64_t seed, int64_t resamples) {
  UNLEARN_CHECK(resamples > 0, "resamples ", resamples);
  const auto share = auc_open_unlearning(scores.forget, scores.non_members);
  if (!share) return std::nullopt;
  Membership result{*share, 0, 0};
  Rng rng(seed);
  std::vector<double> forget, others, draws;
  for (int64_t draw = 0; draw < resamples; ++draw) {
    draw_again(scores.forget, rng, forget);
    draw_again(scores.non_members, rng, others);
    draws.push_back(*auc_open_unlearning(forget, others));
  }
  std::tie(result.low, result.high) = middle_of(std::move(draws), 0.95);
  return result;
}

Membering read_membership(const std::optional<Membership>& before,
                          const std::optional<Membership>& after) {
  constexpr double kOver = 0.4;
  if (!before || !after) return Membering::kUnknown;
  if (before->low <= 0.5) return Membering::kNoNonMembers;
  if (after->low > 0.5) return Membering::kStillKnown;
  if (after->auc < kOver) {
    return after->high < 0.5 ? Membering::kOverUnlearned : Membering::kUnknown;
  }
  return Membering::kIndistinct;
}

}  // namespace unlearn::metrics::own_data
