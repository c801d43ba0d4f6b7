#include "run/audit/entries.h"

#include <algorithm>
#include <cmath>

#include "run/audit/sentence.h"
#include "unlearn/core/error.h"
#include "unlearn/metrics/audit/privacy.h"
#include "unlearn/metrics/audit/recovery.h"
#include "unlearn/metrics/or_null.h"

namespace unlearn::run {
namespace {

namespace audit = metrics::audit;
using Rows = std::map<int64_t, double>;

constexpr audit::RecoveryOptions kBootstrap = {};

// Null for what is no number.
Json finite(double value) { return std::isfinite(value) ? Json(value) : Json(); }

const Rows* rows_of(const Measured& measured, const std::string& metric) {
  const auto found = measured.metrics.find(metric);
  return found == measured.metrics.end() ? nullptr : &found->second;
}

std::optional<double> mean_of_rows(const Rows* rows) {
  if (rows == nullptr || rows->empty()) return std::nullopt;
  double sum = 0;
  for (const auto& [row, value] : *rows) sum += value;
  return sum / static_cast<double>(rows->size());
}

// What one metric reads of the cells.
class MetricCells {
 public:
  MetricCells(std::string metric, const WayCells& cells, const AuditFacts& facts)
      : metric_(std::move(metric)), cells_(cells), facts_(facts) {}

  const Measured* before_of(AuditRole role) const {
    const auto cells = cells_.of.find(role);
    if (cells != cells_.of.end() && !cells->second.empty() && cells->second.front().before) {
      return &*cells->second.front().before;
    }
    // A way with a "before" of its own was not tried on this model.
    const auto unlearned = cells_.of.find(AuditRole::kUnlearned);
    const bool has_own = unlearned != cells_.of.end() && !unlearned->second.empty() &&
                         unlearned->second.front().before.has_value();
    const auto baseline = facts_.baselines.find(role);
    if (has_own || baseline == facts_.baselines.end() || baseline->second.points.empty()) {
      return nullptr;
    }
    return &baseline->second.points.back().measured;
  }
  const Rows* before(AuditRole role) const {
    const Measured* measured = before_of(role);
    return measured == nullptr ? nullptr : rows_of(*measured, metric_);
  }
  // Per seed; empty when the way was not tried on this model, or a seed has no result.
  std::vector<const Rows*> after(AuditRole role) const {
    std::vector<const Rows*> seeds;
    const auto cells = cells_.of.find(role);
    if (cells == cells_.of.end()) return {};
    for (const Cell& cell : cells->second) {
      const Rows* rows = cell.points.empty() || !cell.failure.empty()
                             ? nullptr
                             : rows_of(cell.points.back().measured, metric_);
      if (rows == nullptr) return {};
      seeds.push_back(rows);
    }
    return seeds;
  }
  std::optional<double> mean_after(AuditRole role) const {
    double sum = 0;
    const auto seeds = after(role);
    for (const Rows* rows : seeds) sum += mean_of_rows(rows).value_or(std::nan(""));
    if (seeds.empty()) return std::nullopt;
    return sum / static_cast<double>(seeds.size());
  }
  std::vector<int64_t> common_rows() const {
    std::vector<int64_t> common;
    const Rows* first = before(AuditRole::kUnlearned);
    if (first == nullptr) return {};
    for (const auto& [row, value] : *first) {
      bool everywhere = true;
      for (const AuditRole role :
           {AuditRole::kUnlearned, AuditRole::kRetain, AuditRole::kOriginal}) {
        const Rows* rows = before(role);
        everywhere = everywhere && (rows == nullptr || rows->contains(row));
        for (const Rows* after_rows : after(role)) {
          everywhere = everywhere && after_rows->contains(row);
        }
      }
      if (everywhere) common.push_back(row);
    }
    return common;
  }

 private:
  std::string metric_;
  const WayCells& cells_;
  const AuditFacts& facts_;
};

std::vector<double> values_at(const Rows& rows, const std::vector<int64_t>& places) {
  std::vector<double> values;
  for (const int64_t place : places) values.push_back(rows.at(place));
  return values;
}

audit::RowsBeforeAfter before_after(const MetricCells& cells, AuditRole role,
                                    const std::vector<int64_t>& places) {
  audit::RowsBeforeAfter result{values_at(*cells.before(role), places), {}};
  for (const Rows* rows : cells.after(role)) result.after.push_back(values_at(*rows, places));
  return result;
}

// None where a model's values are missing.
std::optional<audit::Recovery> recovery_of(const MetricCells& cells) {
  const auto places = cells.common_rows();
  const Rows* original = cells.before(AuditRole::kOriginal);
  if (places.empty() || original == nullptr || cells.after(AuditRole::kUnlearned).empty()) {
    return std::nullopt;
  }
  audit::AttackRows rows{values_at(*original, places),
                         before_after(cells, AuditRole::kUnlearned, places)};
  if (cells.before(AuditRole::kRetain) != nullptr && !cells.after(AuditRole::kRetain).empty()) {
    rows.retain = before_after(cells, AuditRole::kRetain, places);
  }
  return audit::recover(rows, kBootstrap);
}

std::optional<double> utility_of(const Cell& cell) {
  return cell.points.empty() ? std::nullopt : cell.points.back().measured.utility;
}

struct Utility {
  std::optional<double> original, before, after;
  std::optional<double> kept() const {
    if (!original || !after || *original == 0) return std::nullopt;
    return *after / *original;
  }
};

Utility utility_of_way(const WayCells& cells, const AuditFacts& facts) {
  Utility utility;
  const auto baseline = [&](AuditRole role) {
    const auto found = facts.baselines.find(role);
    return found == facts.baselines.end() ? std::nullopt : utility_of(found->second);
  };
  utility.original = baseline(AuditRole::kOriginal);
  utility.before = baseline(AuditRole::kUnlearned);
  double sum = 0;
  const auto& seeds = cells.of.at(AuditRole::kUnlearned);
  for (const Cell& cell : seeds) {
    const auto value = utility_of(cell);
    if (!value) return utility;  // prompts and decoding leave the weights, and so the utility
    sum += *value;
  }
  utility.after = sum / static_cast<double>(seeds.size());
  return utility;
}

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
  const auto recovery = recovery_of(values);
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
      {"utility",
       {{"before", metrics::or_null(utility.before)}, {"after", metrics::or_null(utility.after)}}},
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
  Json worst = {{"value", "void"}, {"worst", nullptr}};
  int most = -1;
  for (const Json& entry : entries) {
    const auto verdict = entry.at("verdict").get<std::string>();
    if (badness(verdict) <= most) continue;
    most = badness(verdict);
    worst = {{"value", verdict}, {"worst", entry.at("id")}};
  }
  return worst;
}

Json privacy_entries(const AuditFacts& facts) {
  Json entries = Json::array();
  const auto metrics_of = [&](AuditRole role) {
    const auto found = facts.baselines.find(role);
    return found == facts.baselines.end() ? Json::object() : found->second.extra.at("metrics");
  };
  const Json unlearned = metrics_of(AuditRole::kUnlearned), retain = metrics_of(AuditRole::kRetain);
  for (const auto& [name, value] : unlearned.items()) {
    if (!name.starts_with("mia_") || !value.is_number()) continue;
    const auto auc = value.get<double>();
    const auto other = retain.find(name);
    std::optional<double> control;
    if (other != retain.end() && other->is_number()) control = other->get<double>();
    const audit::OverUnlearning over = audit::over_unlearning(auc, control);
    entries.push_back(
        {{"name", name},
         {"U", auc},
         {"R", metrics::or_null(control)},
         {"s_mia", control ? metrics::or_null(audit::membership_likeness(auc, *control)) : Json()},
         {"over_unlearned", over.is_over},
         {"distinguishing", over.distinguishing},
         {"sentence", over.is_over ? Json(over.sentence) : Json()}});
  }
  return entries;
}

}  // namespace unlearn::run
