// What an attack leaves of what the model is to keep.
#pragma once

#include <optional>

#include "run/audit/entries.h"

namespace unlearn::run {

// The original as it is; the unlearned model before the attack and, as a mean over seeds, after it.
struct Kept {
  std::optional<double> original, before, after;
  // Of the original's; none where one is not known.
  std::optional<double> share() const;
};

struct Utility {
  Kept benchmark;  // its own measure
  Kept tasks;      // mean share of right answers (eval.tasks)
  // The smaller share of both: a broken model is seen by either.
  std::optional<double> kept() const;
};

Utility utility_of_way(const WayCells& cells, const AuditFacts& facts);

// {"before", "after"} and, where tasks were asked, "tasks": {"original", "before", "after"}.
Json utility_json(const Utility& utility);

}  // namespace unlearn::run
