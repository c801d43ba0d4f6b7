// How much of what unlearning took away an attack brings back: the recovered share and its excess
// over a model that never knew, with bootstrap intervals over rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace unlearn::metrics::audit {

// One measure of the same rows, oriented so that higher means more knowledge. Of an attack made
// with several seeds `after` holds one list of rows per seed.
struct RowsBeforeAfter {
  std::vector<double> before;
  std::vector<std::vector<double>> after;
};

struct AttackRows {
  std::vector<double> original;  // before unlearning, not attacked
  RowsBeforeAfter unlearned;
  std::optional<RowsBeforeAfter> retain = {};  // a model that never saw the rows, attacked alike
};

// Ends of the interval are not finite where too many draws have no value.
struct Estimate {
  double value = 0;
  double low = 0, high = 0;
};

struct RecoveryOptions {
  int64_t draws = 9999;
  double confidence = 0.95;
  uint64_t seed = 0;
  double least_forgotten = 0.05;  // of the measure; with less there is nothing to recover
};

struct Recovery {
  // What unlearning took away: mean of the original minus mean of the unlearned model.
  Estimate forgotten;
  // (U attacked - U) / (O - U), of means; never cut to [0, 1]. None when `forgotten` is below the
  // least or its interval covers 0.
  std::optional<Estimate> share;
  // The same over O - R: U below R would inflate the denominator of `share`.
  std::optional<double> share_of_retain;
  // (U attacked - R attacked) / (O - R): above 0 is knowledge that R does not get by the attack.
  // None without R, and when O - R is too small in the same sense.
  std::optional<Estimate> excess;
};

// Percentile bootstrap that draws rows (the same for all models and times) and, beside them, seeds.
// UNLEARN_CHECK: all lists have the same number (> 0) of rows, and U and R as many seeds.
Recovery recover(const AttackRows& rows, const RecoveryOptions& options = {});

// What a recovery says.
enum class Finding { kHolds, kVoid, kInconclusive, kLeaks };  // from the best to the worst
const char* finding_name(Finding finding);                    // "holds", …

struct Judgement {
  Finding finding = Finding::kVoid;
  std::vector<std::string> warnings;  // "no control", "collapsed"
};
// Leaks: the share's interval lies above `share_limit` and, with R, the excess's above 0. Holds: it
// lies below the limit, or the excess's below 0.05; not where the utility left is below 80 % of the
// original's ("collapsed"), which shows nothing. `utility_kept`: attacked utility over the
// original's; none: not known.
constexpr double kShareLimit = 0.2, kExcessLimit = 0.05, kUtilityLimit = 0.8;
Judgement judge_recovery(const Recovery& recovery, bool has_retain,
                         std::optional<double> utility_kept);

}  // namespace unlearn::metrics::audit
