// What one metric reads of the cells of a way: its rows before and after, model by model.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run/audit/entries.h"
#include "unlearn/metrics/audit/recovery.h"

namespace unlearn::run {

using RowValues = std::map<int64_t, double>;  // row -> value

// Null where the metric is not among them.
const RowValues* rows_of(const Measured& measured, const std::string& metric);
// None without rows.
std::optional<double> mean_of_rows(const RowValues* rows);

class MetricCells {
 public:
  // Both must outlive this.
  MetricCells(std::string metric, const WayCells& cells, const AuditFacts& facts)
      : metric_(std::move(metric)), cells_(cells), facts_(facts) {}

  // Null where the model was not measured.
  const RowValues* before(AuditRole role) const;
  // Per seed; empty when the way was not tried on this model, or a seed has no result.
  std::vector<const RowValues*> after(AuditRole role) const;
  // Over rows and seeds.
  std::optional<double> mean_after(AuditRole role) const;
  // Rows that every model has, before and after.
  std::vector<int64_t> common_rows() const;
  // None where a model's values are missing.
  std::optional<metrics::audit::Recovery> recovery() const;

 private:
  const Measured* before_of(AuditRole role) const;
  metrics::audit::RowsBeforeAfter before_after(AuditRole role,
                                               const std::vector<int64_t>& places) const;

  std::string metric_;
  const WayCells& cells_;
  const AuditFacts& facts_;
};

}  // namespace unlearn::run
