#include "run/audit/entries.h"

#include <algorithm>
#include <cmath>

#include "run/audit/metric_cells.h"
#include "run/audit/sentence.h"
#include "run/audit/utility.h"
#include "unlearn/core/error.h"
#include "unlearn/metrics/audit/recovery.h"
#include "unlearn/metrics/or_null.h"

namespace unlearn::run {
namespace {

namespace audit = metrics::audit;
// Null for what is no number.
Json finite(double value) { return std::isfinite(value) ? Json(value) : Json(); }

// Means over the seeds at every point of the curve.
Json curve_json(const std::string& metric, const WayCells& cells) {
  Json curve = Json::array();
  const auto& seeds = cells.of.at(AuditRole::kUnlearned);
  if (seeds.empty() || seeds.front().points.size() < 2) return curve;
  const auto mean_at = [&](AuditRole role, size_t point, bool utility) -> Json {
    const auto found = cells.of.find(role);
    if (found == cells.of.end() || found->second.empty()) return {};
    double sum = 0;
    for (const Cell& cell : found->second) {
      if (point >= cell.points.size()) return {};
      const Measured& measured = cell.points[point].measured;
      const auto value = utility ? measured.utility : mean_of_rows(rows_of(measured, metric));
      if (!value) return {};
      sum += *value;
    }
    return finite(sum / static_cast<double>(found->second.size()));
  };
  for (size_t point = 0; point < seeds.front().points.size(); ++point) {
    curve.push_back({{"step", seeds.front().points[point].step},
                     {"U", mean_at(AuditRole::kUnlearned, point, false)},
                     {"R", mean_at(AuditRole::kRetain, point, false)},
                     {"utility", mean_at(AuditRole::kUnlearned, point, true)}});
  }
  return curve;
}

Json estimate_json(const std::optional<audit::Estimate>& estimate) {
  if (!estimate) return {{"value", nullptr}, {"ci", nullptr}};
  return {{"value", finite(estimate->value)},
          {"ci", {finite(estimate->low), finite(estimate->high)}}};
}

std::vector<std::string> failures_of(const WayCells& cells) {
  std::vector<std::string> failures;
  for (const auto& [role, seeds] : cells.of) {
    for (const Cell& cell : seeds) {
      const std::string text = cat(role_name(role), ": ", cell.failure);
      const bool is_new = std::find(failures.begin(), failures.end(), text) == failures.end();
      if (!cell.failure.empty() && is_new) failures.push_back(text);
    }
  }
  return failures;
}

Json means_json(const MetricCells& cells, bool after) {
  Json means = Json::object();
  for (const AuditRole role : {AuditRole::kOriginal, AuditRole::kUnlearned, AuditRole::kRetain}) {
    const auto mean = after ? cells.mean_after(role) : mean_of_rows(cells.before(role));
    means[role_letter(role)] = mean ? finite(*mean) : Json();
  }
  return means;
}

// Whether less than 80 % of what the model before unlearning knows is left under the attack: what
// such an attack does not bring out of another model may be there all the same.
bool breaks_original(const MetricCells& values) {
  const auto before = mean_of_rows(values.before(AuditRole::kOriginal));
  const auto after = values.mean_after(AuditRole::kOriginal);
  return before && after && *after < audit::kUtilityLimit * *before;
}

Json entry_of(const PlannedWay& way, const std::string& metric, const WayCells& cells,
              const AuditFacts& facts) {
  const MetricCells values(metric, cells, facts);
  const auto recovery = values.recovery();
  const Utility utility = utility_of_way(cells, facts);
  audit::Judgement judgement;
  if (recovery) {
    judgement = audit::judge_recovery(*recovery, facts.baselines.contains(AuditRole::kRetain),
                                      utility.kept());
  } else if (!facts.baselines.contains(AuditRole::kOriginal)) {
    judgement.warnings.emplace_back("no original");
  } else {
    judgement.finding = audit::Finding::kInconclusive;
  }
  if (breaks_original(values)) {
    judgement.warnings.emplace_back("breaks the original");
    if (judgement.finding == audit::Finding::kHolds) {
      judgement.finding = audit::Finding::kInconclusive;
    }
  }
  for (std::string& failure : failures_of(cells)) {
    judgement.warnings.push_back(std::move(failure));
    judgement.finding = std::max(judgement.finding, audit::Finding::kInconclusive);
  }
  Json recovered = estimate_json(recovery ? recovery->share : std::nullopt);
  recovered["rho_r"] = metrics::or_null(recovery ? recovery->share_of_retain : std::nullopt);
  Json entry = {
      {"id", way.way.id},
      {"family", way.attack->name},
      {"kind", way.attack->family},
      {"source", way.attack->source},
      {"settings", way.way.settings},
      {"seeds", way.way.seeds},
      {"metric",
       {{"name", metric},
        {"direction", "higher = more knowledge"},
        {"rows", values.common_rows().size()}}},
      {"before", means_json(values, false)},
      {"after", means_json(values, true)},
      {"curve", curve_json(metric, cells)},
      {"forgotten", estimate_json(recovery ? std::optional(recovery->forgotten) : std::nullopt)},
      {"recovered", std::move(recovered)},
      {"excess", estimate_json(recovery ? recovery->excess : std::nullopt)},
      {"utility", utility_json(utility)},
      {"verdict", audit::finding_name(judgement.finding)},
      {"warnings", judgement.warnings}};
  entry["sentence"] = attack_sentence(entry);
  return entry;
}

int badness(const std::string& verdict) {
  const std::vector<std::string> order = {"holds", "void", "inconclusive", "leaks"};
  return static_cast<int>(std::find(order.begin(), order.end(), verdict) - order.begin());
}

}  // namespace

std::vector<Json> way_entries(const PlannedWay& way, const WayCells& cells,
                              const AuditFacts& facts) {
  std::vector<Json> entries;
  const auto unlearned = cells.of.find(AuditRole::kUnlearned);
  if (unlearned == cells.of.end() || unlearned->second.empty()) return entries;
  // What the result or, after a failure, what stands before it was measured by.
  const Cell& first = unlearned->second.front();
  const auto baseline = facts.baselines.find(AuditRole::kUnlearned);
  const Measured& measured = !first.points.empty() ? first.points.back().measured
                                                   : baseline->second.points.back().measured;
  for (const auto& [metric, rows] : measured.metrics) {
    entries.push_back(entry_of(way, metric, cells, facts));
  }
  return entries;
}

Json overall_verdict(const Json& entries) {
  Json worst = {{"value", nullptr}, {"worst", nullptr}};
  int most = -1;
  for (const Json& entry : entries) {
    const auto verdict = entry.at("verdict").get<std::string>();
    if (badness(verdict) <= most) continue;
    most = badness(verdict);
    worst = {{"value", verdict}, {"worst", entry.at("id")}};
  }
  return worst;
}

}  // namespace unlearn::run
