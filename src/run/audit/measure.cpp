#include "run/audit/measure.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "unlearn/core/error.h"
#include "unlearn/eval/tasks.h"
#include "unlearn/metrics/own_data/fluency.h"

namespace unlearn::run {
namespace {

namespace own_data = metrics::own_data;

Json fluency_json(const std::vector<std::string>& outputs) {
  if (outputs.empty()) return {};
  const own_data::Fluency found = own_data::fluency(outputs);
  return {{"outputs", found.outputs},      {"empty", found.empty},
          {"broken", found.broken},        {"alike", found.alike},
          {"refusals", found.refusals},    {"distinct_2", found.distinct2},
          {"repeated_4", found.repeated4}, {"entropy", found.entropy}};
}

}  // namespace

Measured read_outcome(const eval::Outcome& outcome, const benchmarks::AuditSupport& support) {
  Measured measured;
  const metrics::EvalReport& report = outcome.evaluation.metrics;
  for (const benchmarks::KnowledgeMetric& metric : support.knowledge) {
    const auto entry = report.find(metric.key);
    if (entry == report.end() || !entry->second.details.contains("value_by_index")) continue;
    auto& rows = measured.metrics[metric.name];
    for (const auto& [row, value] :
         metrics::indexed_rows(entry->second.details.at("value_by_index"), metric.key)) {
      const std::optional<double> number = value->is_null() ? std::nullopt : metric.of_row(*value);
      rows[row] = number.value_or(std::numeric_limits<double>::quiet_NaN());
    }
  }
  if (support.utility != nullptr) measured.utility = support.utility(report);
  measured.tasks = eval::tasks::mean_of_tasks(report);
  return measured;
}

Json describe_baseline(const eval::Outcome& outcome) {
  Json fluency = Json::object();
  for (const auto& [name, metric] : outcome.evaluation.metrics) {
    std::vector<std::string> outputs;
    const auto rows = metric.details.find("value_by_index");
    if (rows == metric.details.end()) continue;
    for (const auto& [row, value] : rows->items()) {
      if (value.is_object() && value.contains("generation")) {
        outputs.push_back(value.at("generation").template get<std::string>());
      }
    }
    if (!outputs.empty()) fluency[name] = fluency_json(outputs);
  }
  return {{"metrics", metrics::summary_json(outcome.evaluation.metrics)}, {"fluency", fluency}};
}

Cell worst_of(const std::vector<Cell>& prompts) {
  Cell worst;
  Measured before, after;
  for (const Cell& cell : prompts) {
    if (!cell.before || cell.points.empty()) continue;
    for (const auto& [name, rows] : cell.points.back().measured.metrics) {
      for (const auto& [row, value] : rows) {
        const auto [place, is_new] = after.metrics[name].try_emplace(row, value);
        if (!is_new) place->second = std::max(place->second, value);
      }
    }
    for (const auto& [name, rows] : cell.before->metrics)
      before.metrics[name].insert(rows.begin(), rows.end());
  }
  worst.before = std::move(before);
  worst.points.push_back({0, std::move(after)});
  return worst;
}

}  // namespace unlearn::run
