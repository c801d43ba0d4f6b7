// Membership inference on own data: can an attacker tell the forget rows from rows that were never
// trained on?
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace unlearn::metrics::own_data {

// One attack's scores (mia.h: higher = less likely seen) on forget rows and on non-members.
struct AttackScores {
  std::vector<double> forget, non_members;
};

struct Membership {
  double auc = 0;            // 1 = the forget rows are clearly known, 0.5 = cannot be told apart
  double low = 0, high = 0;  // 95 % bootstrap that draws both sides
};
// None when a side is empty or holds NaN.
std::optional<Membership> membership(const AttackScores& scores, uint64_t seed = 0,
                                     int64_t resamples = 2000);

enum class Membering {
  kUnknown,        // no AUC, or the interval leaves it open
  kStillKnown,     // interval above 0.5
  kIndistinct,     // AUC between 0.4 and the interval's reach around 0.5
  kOverUnlearned,  // AUC below 0.4 and its interval below 0.5: detectable by being avoided
  kNoNonMembers,   // before unlearning the "non-members" were as well known as the forget rows
};
// Rows that the model was fine-tuned on together with the forget rows are no non-members: against
// them an AUC near 0 is what forgetting looks like. So the state before decides whether the one
// after can be read.
Membering read_membership(const std::optional<Membership>& before,
                          const std::optional<Membership>& after);

}  // namespace unlearn::metrics::own_data
