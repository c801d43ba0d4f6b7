#include "run/audit/metric_cells.h"

#include <cmath>

namespace unlearn::run {
namespace {

namespace audit = metrics::audit;

std::vector<double> values_at(const RowValues& rows, const std::vector<int64_t>& places) {
  std::vector<double> values;
  for (const int64_t place : places) values.push_back(rows.at(place));
  return values;
}

}  // namespace

const RowValues* rows_of(const Measured& measured, const std::string& metric) {
  const auto found = measured.metrics.find(metric);
  return found == measured.metrics.end() ? nullptr : &found->second;
}

std::optional<double> mean_of_rows(const RowValues* rows) {
  if (rows == nullptr || rows->empty()) return std::nullopt;
  double sum = 0;
  for (const auto& [row, value] : *rows) sum += value;
  return sum / static_cast<double>(rows->size());
}

const Measured* MetricCells::before_of(AuditRole role) const {
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

const RowValues* MetricCells::before(AuditRole role) const {
  const Measured* measured = before_of(role);
  return measured == nullptr ? nullptr : rows_of(*measured, metric_);
}

std::vector<const RowValues*> MetricCells::after(AuditRole role) const {
  std::vector<const RowValues*> seeds;
  const auto cells = cells_.of.find(role);
  if (cells == cells_.of.end()) return {};
  for (const Cell& cell : cells->second) {
    const RowValues* rows = cell.points.empty() || !cell.failure.empty()
                                ? nullptr
                                : rows_of(cell.points.back().measured, metric_);
    if (rows == nullptr) return {};
    seeds.push_back(rows);
  }
  return seeds;
}

std::optional<double> MetricCells::mean_after(AuditRole role) const {
  double sum = 0;
  const auto seeds = after(role);
  for (const RowValues* rows : seeds) sum += mean_of_rows(rows).value_or(std::nan(""));
  if (seeds.empty()) return std::nullopt;
  return sum / static_cast<double>(seeds.size());
}

std::vector<int64_t> MetricCells::common_rows() const {
  std::vector<int64_t> common;
  const RowValues* first = before(AuditRole::kUnlearned);
  if (first == nullptr) return {};
  for (const auto& [row, value] : *first) {
    bool everywhere = true;
    for (const AuditRole role : {AuditRole::kUnlearned, AuditRole::kRetain, AuditRole::kOriginal}) {
      const RowValues* rows = before(role);
      everywhere = everywhere && (rows == nullptr || rows->contains(row));
      for (const RowValues* after_rows : after(role)) {
        everywhere = everywhere && after_rows->contains(row);
      }
    }
    if (everywhere) common.push_back(row);
  }
  return common;
}

audit::RowsBeforeAfter MetricCells::before_after(AuditRole role,
                                                 const std::vector<int64_t>& places) const {
  audit::RowsBeforeAfter result{values_at(*before(role), places), {}};
  for (const RowValues* rows : after(role)) result.after.push_back(values_at(*rows, places));
  return result;
}

std::optional<audit::Recovery> MetricCells::recovery() const {
  const auto places = common_rows();
  const RowValues* original = before(AuditRole::kOriginal);
  if (places.empty() || original == nullptr || after(AuditRole::kUnlearned).empty()) {
    return std::nullopt;
  }
  audit::AttackRows rows{values_at(*original, places), before_after(AuditRole::kUnlearned, places)};
  if (before(AuditRole::kRetain) != nullptr && !after(AuditRole::kRetain).empty()) {
    rows.retain = before_after(AuditRole::kRetain, places);
  }
  return audit::recover(rows);
}

}  // namespace unlearn::run
