// The heat map of an audit, and its models as they are.
#include <algorithm>
#include <cmath>
#include <map>

#include "report/audit_parts.h"
#include "report/json_path.h"
#include "unlearn/core/strings.h"

namespace unlearn::report {
namespace {

std::string share_text(const Json& share) {
  return share.is_number() ? cat(std::lround(100 * share.get<double>()), " %") : "–";
}

// From nothing came back to all of it; no colour where there is no share. The number says the same.
std::string heat_of(const Json& share) {
  if (!share.is_number()) return "heat0";
  const double part = std::clamp(share.get<double>(), 0.0, 1.0);
  return cat("heat", part < 0.05 ? 0 : part < 0.2 ? 1 : part < 0.4 ? 2 : part < 0.7 ? 3 : 4);
}

Cell heat_cell(const Json* entry) {
  if (entry == nullptr) return {"", "heat"};
  const Json share = at_path(*entry, {"recovered", "value"});
  const Json excess = at_path(*entry, {"excess", "value"});
  const std::string verdict = shown_text(at_path(*entry, {"verdict"}));
  std::string small = cat(shown_number(at_path(*entry, {"before", "U"}), 3), " → ",
                          shown_number(at_path(*entry, {"after", "U"}), 3));
  if (excess.is_number()) small += cat(" · excess ", share_text(excess));
  return {share_text(share),
          cat("heat ", heat_of(share), verdict == "leaks" ? " leaks" : ""),
          small,
          share.is_number() ? share.dump() : "",
          shown_text(at_path(*entry, {"sentence"})),
          verdict,
          verdict == "leaks"   ? "bad-mark"
          : verdict == "holds" ? "good-mark"
                               : "soft"};
}

void note(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

void add_fluency(const Json& baselines, HtmlTable& table) {
  std::vector<std::string> tasks;
  for (const auto& [model, baseline] : baselines.items()) {
    const Json fluency = at_path(baseline, {"fluency"});
    for (const auto& [task, counts] : fluency.items()) note(tasks, task);
  }
  const std::pair<const char*, const char*> counts[] = {
      {"broken", "empty or repeating"}, {"alike", "with the same words"}, {"refusals", "refusals"}};
  for (const std::string& task : tasks) {
    for (const auto& [key, name] : counts) {
      HtmlRow row{{{cat("answers of ", task, ": ", name)}}};
      for (const auto& [model, baseline] : baselines.items()) {
        const Json count = at_path(baseline, {"fluency", task, key});
        const Json all = at_path(baseline, {"fluency", task, "outputs"});
        row.cells.push_back(
            {count.is_number() ? cat(count.dump(), " of ", all.dump()) : "not measured", "number"});
      }
      table.rows.push_back(std::move(row));
    }
  }
}

}  // namespace

HtmlTable audit_heat_map(const Json& audit) {
  std::vector<std::string> attacks, metrics;
  std::map<std::pair<std::string, std::string>, const Json*> cells;
  for (const Json& entry : audit.at("attacks")) {
    const std::string id = shown_text(at_path(entry, {"id"}));
    const std::string metric = shown_text(at_path(entry, {"metric", "name"}));
    note(attacks, id);
    note(metrics, metric);
    cells[{id, metric}] = &entry;
  }
  HtmlTable table{.name = "attacks", .columns = {{"attack"}}};
  for (const std::string& metric : metrics) table.columns.push_back({metric, "", "", true});
  for (const std::string& attack : attacks) {
    HtmlRow row{{{attack, "name"}}};
    for (const std::string& metric : metrics) {
      const auto cell = cells.find({attack, metric});
      row.cells.push_back(heat_cell(cell == cells.end() ? nullptr : cell->second));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

HtmlTable audit_models(const Json& audit) {
  const Json baselines = at_path(audit, {"baselines"});
  HtmlTable table{.name = "measures", .columns = {{"measure"}}};
  if (!baselines.is_object() || baselines.empty()) return table;
  std::vector<std::string> measures;
  for (const auto& [model, baseline] : baselines.items()) {
    const Json name = at_path(audit, {"models", model});
    table.columns.push_back({model, name.is_string() ? name.get<std::string>() : "", "", true});
    const Json values = at_path(baseline, {"metrics"});
    for (const auto& [measure, value] : values.items()) note(measures, measure);
  }
  for (const std::string& measure : measures) {
    HtmlRow row{{{measure}}};
    for (const auto& [model, baseline] : baselines.items()) {
      const Json value = at_path(baseline, {"metrics", measure});
      row.cells.push_back(
          {shown_number(value, 3), "number", "", value.is_number() ? value.dump() : ""});
    }
    table.rows.push_back(std::move(row));
  }
  add_fluency(baselines, table);
  return table;
}

}  // namespace unlearn::report
