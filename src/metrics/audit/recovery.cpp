#include "unlearn/metrics/audit/recovery.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "metrics/own_data/quantile.h"
#include "metrics/stats/mean.h"
#include "unlearn/core/error.h"
#include "unlearn/core/rng.h"

namespace unlearn::metrics::audit {
namespace {

struct Means {
  double original = 0, unlearned = 0, attacked = 0, retain = 0, retain_attacked = 0;

  double forgotten() const { return original - unlearned; }
  double known() const { return original - retain; }  // what only the data can have taught
  double share() const { return (attacked - unlearned) / forgotten(); }
  double share_of_retain() const { return (attacked - unlearned) / known(); }
  double excess() const { return (attacked - retain_attacked) / known(); }
};

double mean_at(const std::vector<double>& values, std::span<const size_t> places) {
  double sum = 0;
  for (const size_t place : places) sum += values[place];
  return sum / static_cast<double>(places.size());
}

double mean_over_seeds(const std::vector<std::vector<double>>& seeds, std::span<const size_t> drawn,
                       std::span<const size_t> rows) {
  double sum = 0;
  for (const size_t seed : drawn) sum += mean_at(seeds[seed], rows);
  return sum / static_cast<double>(drawn.size());
}

Means means_at(const AttackRows& rows, std::span<const size_t> seeds,
               std::span<const size_t> places) {
  Means means;
  means.original = mean_at(rows.original, places);
  means.unlearned = mean_at(rows.unlearned.before, places);
  means.attacked = mean_over_seeds(rows.unlearned.after, seeds, places);
  if (rows.retain) {
    means.retain = mean_at(rows.retain->before, places);
    means.retain_attacked = mean_over_seeds(rows.retain->after, seeds, places);
  }
  return means;
}

void check_rows(const AttackRows& rows) {
  const size_t count = rows.original.size();
  UNLEARN_CHECK(count > 0, "no rows");
  const auto check = [&](const RowsBeforeAfter& model) {
    UNLEARN_CHECK(model.before.size() == count, model.before.size(), " of ", count, " rows");
    UNLEARN_CHECK(!model.after.empty() && model.after.size() == rows.unlearned.after.size());
    for (const auto& seed : model.after) UNLEARN_CHECK(seed.size() == count, seed.size());
  };
  check(rows.unlearned);
  if (rows.retain) check(*rows.retain);
}

std::vector<size_t> all_places(size_t count) {
  std::vector<size_t> places(count);
  for (size_t i = 0; i < count; ++i) places[i] = i;
  return places;
}

// The values of one quantity over the draws. A draw without a value (0 / 0) counts on both sides:
// it may have been anything.
class DrawnValues {
 public:
  void add(double value) {
    const double infinity = std::numeric_limits<double>::infinity();
    low_.push_back(std::isnan(value) ? -infinity : value);
    high_.push_back(std::isnan(value) ? infinity : value);
  }
  Estimate around(double value, double confidence) const {
    return {value, own_data::middle_of(low_, confidence).first,
            own_data::middle_of(high_, confidence).second};
  }

 private:
  std::vector<double> low_, high_;
};

void draw_places(Rng& rng, std::vector<size_t>& places, size_t bound) {
  for (size_t& place : places) {
    place = static_cast<size_t>(rng.below(static_cast<int64_t>(bound)));
  }
}

}  // namespace

Recovery recover(const AttackRows& rows, const RecoveryOptions& options) {
  check_rows(rows);
  const size_t count = rows.original.size(), seed_count = rows.unlearned.after.size();
  const Means means = means_at(rows, all_places(seed_count), all_places(count));
  DrawnValues forgotten, known, share, excess;
  Rng rng(options.seed);
  std::vector<size_t> places(count), seeds(seed_count);
  for (int64_t draw = 0; draw < options.draws; ++draw) {
    draw_places(rng, places, count);
    draw_places(rng, seeds, seed_count);
    const Means drawn = means_at(rows, seeds, places);
    forgotten.add(drawn.forgotten());
    known.add(drawn.known());
    share.add(drawn.share());
    excess.add(drawn.excess());
  }
  // Also false for what is not a number.
  const auto is_enough = [&](const Estimate& difference) {
    return difference.value >= options.least_forgotten && difference.low > 0;
  };
  Recovery result;
  result.forgotten = forgotten.around(means.forgotten(), options.confidence);
  if (is_enough(result.forgotten)) {
    result.share = share.around(means.share(), options.confidence);
  }
  if (rows.retain && is_enough(known.around(means.known(), options.confidence))) {
    result.share_of_retain = means.share_of_retain();
    result.excess = excess.around(means.excess(), options.confidence);
  }
  return result;
}

const char* finding_name(Finding finding) {
  switch (finding) {
    case Finding::kHolds:
      return "holds";
    case Finding::kVoid:
      return "void";
    case Finding::kInconclusive:
      return "inconclusive";
    case Finding::kLeaks:
      return "leaks";
  }
  UNLEARN_CHECK(false, "no such finding");
}

Judgement judge_recovery(const Recovery& recovery, bool has_retain,
                         std::optional<double> utility_kept) {
  Judgement judgement;
  const bool collapsed = utility_kept && !(*utility_kept >= kUtilityLimit);
  if (!has_retain) judgement.warnings.emplace_back("no control");
  if (collapsed) judgement.warnings.emplace_back("collapsed");
  if (!recovery.share) return judgement;
  const Estimate& share = *recovery.share;
  const std::optional<Estimate>& excess = recovery.excess;
  if (has_retain && !excess) judgement.warnings.emplace_back("control knows as much");
  if (share.low > kShareLimit && (!excess || excess->low > 0)) {
    judgement.finding = Finding::kLeaks;
  } else if (!collapsed && (share.high < kShareLimit || (excess && excess->high < kExcessLimit))) {
    judgement.finding = Finding::kHolds;
  } else {
    judgement.finding = Finding::kInconclusive;
  }
  return judgement;
}

}  // namespace unlearn::metrics::audit
