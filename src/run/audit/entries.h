// From cells to the content of audit.json.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "run/audit/cells.h"
#include "run/audit/plan.h"
#include "run/audit/subject.h"

namespace unlearn::run {

// The cells of one way: per model and seed.
struct WayCells {
  std::map<AuditRole, std::vector<Cell>> of;
};

struct AuditFacts {
  std::map<AuditRole, Cell> baselines;
  int64_t seed = 0;
};

// One entry of "attacks" per metric that the way's cells hold.
std::vector<Json> way_entries(const PlannedWay& way, const WayCells& cells,
                              const AuditFacts& facts);

// {"value", "worst"} over all entries: leaks before inconclusive before void before holds;
// nulls where nothing was tried.
Json overall_verdict(const Json& entries);

// AUCs of the membership attacks of the baselines, and whether they show over-unlearning.
Json privacy_entries(const AuditFacts& facts);
// Whether any of them shows it, in one line: {"value": true, false or null, "by", "sentence"}.
Json over_unlearning_entry(const Json& privacy);

}  // namespace unlearn::run
