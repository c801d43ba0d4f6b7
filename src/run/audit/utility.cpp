#include "run/audit/utility.h"

#include <algorithm>

#include "unlearn/metrics/or_null.h"

namespace unlearn::run {
namespace {

using Measure = std::optional<double> Measured::*;

std::optional<double> last_value(const Cell& cell, Measure measure) {
  return cell.points.empty() ? std::nullopt : cell.points.back().measured.*measure;
}

// None unless every seed has a value: prompts and decoding leave the weights, and so the utility.
std::optional<double> mean_over_seeds(const std::vector<Cell>& seeds, Measure measure) {
  double sum = 0;
  for (const Cell& cell : seeds) {
    const std::optional<double> value = last_value(cell, measure);
    if (!value) return std::nullopt;
    sum += *value;
  }
  if (seeds.empty()) return std::nullopt;
  return sum / static_cast<double>(seeds.size());
}

Kept kept_of(const WayCells& cells, const AuditFacts& facts, Measure measure) {
  const auto baseline = [&](AuditRole role) {
    const auto found = facts.baselines.find(role);
    return found == facts.baselines.end() ? std::nullopt : last_value(found->second, measure);
  };
  return {baseline(AuditRole::kOriginal), baseline(AuditRole::kUnlearned),
          mean_over_seeds(cells.of.at(AuditRole::kUnlearned), measure)};
}

}  // namespace

std::optional<double> Kept::share() const {
  if (!original || !after || *original == 0) return std::nullopt;
  return *after / *original;
}

std::optional<double> Utility::kept() const {
  const std::optional<double> first = benchmark.share(), second = tasks.share();
  if (!first || !second) return first ? first : second;
  return std::min(*first, *second);
}

Utility utility_of_way(const WayCells& cells, const AuditFacts& facts) {
  return {kept_of(cells, facts, &Measured::utility), kept_of(cells, facts, &Measured::tasks)};
}

Json utility_json(const Utility& utility) {
  Json json = {{"before", metrics::or_null(utility.benchmark.before)},
               {"after", metrics::or_null(utility.benchmark.after)}};
  const Kept& tasks = utility.tasks;
  if (tasks.original || tasks.before) {
    json["tasks"] = {{"original", metrics::or_null(tasks.original)},
                     {"before", metrics::or_null(tasks.before)},
                     {"after", metrics::or_null(tasks.after)}};
  }
  return json;
}

}  // namespace unlearn::run
