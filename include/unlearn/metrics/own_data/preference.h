// Whether a model still prefers the true answer of a question to other answers: needs no second
// model, because the answers of other rows are what a model without the row's knowledge would find
// as likely.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace unlearn::metrics::own_data {

// An answer that stands against the true one: row `row` of the forget or of the retain set.
struct Alternative {
  bool of_retain = false;
  int64_t row = 0;
  bool operator==(const Alternative&) const = default;
};

struct ComparisonOptions {
  int64_t few_rows = 8;  // with fewer different answers the retain rows' join in
  int64_t wanted = 16;   // … until there are this many alternatives
  int64_t most = 64;     // alternatives per question; more are drawn from, by the seed
  uint64_t seed = 0;
};

// For every forget row the answers that stand against its own, in row order, forget rows first.
// An answer that reads like the row's own (case, space and punctuation aside) is none, and of
// several that read alike the first one stands. Retain answers are those nearest in length
// (characters; equally near ones in row order). A pure function of its arguments.
std::vector<std::vector<Alternative>> choose_alternatives(std::span<const std::string> forget,
                                                          std::span<const std::string> retain,
                                                          const ComparisonOptions& options = {});

// Mean log-probabilities per label token of one question's answers.
struct AnswerScores {
  double own = 0;
  std::vector<double> others;
};

struct RowPreference {
  double rank = 0;  // of the true answer; 1 = most likely; equal ones share the mean of their ranks
  double auc = 0;   // P(own > other) + 1/2 P(equal): 1 = preferred to all, 0.5 = no preference
};
// None without alternatives or with a NaN among the scores (a diverged model).
std::optional<RowPreference> row_preference(const AnswerScores& scores);

struct Preference {
  std::vector<std::optional<RowPreference>> rows;
  double auc = 0;            // mean over the rows that have one
  double low = 0, high = 0;  // 95 % of a bootstrap that draws rows and, within each, alternatives
  bool avoided = false;      // auc < 0.2: true answers are avoided and can be found by that
};
constexpr double kAvoidedBelow = 0.2;

struct PreferenceOptions {
  int64_t resamples = 2000;
  double confidence = 0.95;
  uint64_t seed = 0;
};
// None when no row has a preference. The interval is a pure function of scores and options.
std::optional<Preference> preference(std::span<const AnswerScores> rows,
                                     const PreferenceOptions& options = {});

}  // namespace unlearn::metrics::own_data
