#include "unlearn/report/table.h"

#include <algorithm>
#include <set>

#include "report/groups.h"
#include "report/measures.h"
#include "unlearn/core/strings.h"

namespace unlearn::report {
namespace {

std::string value_or_nothing(const std::map<std::string, std::string>& map,
                             const std::string& key) {
  const auto it = map.find(key);
  return it == map.end() ? "" : it->second;
}

std::string short_number(const std::optional<double>& value) {
  return value ? number(*value, 4) : "";
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char letter : text)
    quoted += letter == '"' ? std::string("\"\"") : std::string(1, letter);
  return quoted + "\"";
}

std::string markdown_cell(const std::string& text) {
  if (text.empty()) return "-";
  std::string escaped;
  for (const char letter : text) {
    if (letter == '|') escaped += '\\';
    escaped += letter == '\n' ? ' ' : letter;
  }
  return escaped;
}

template <class Escape>
std::string lines_of(const Table& table, const std::string& separator, Escape escape) {
  std::string text;
  const auto add = [&](const std::vector<std::string>& cells) {
    std::vector<std::string> escaped;
    for (const std::string& cell : cells) escaped.push_back(escape(cell));
    text += join(escaped, separator) + "\n";
  };
  add(table.columns);
  for (const auto& row : table.rows) add(row);
  return text;
}

}  // namespace

std::vector<std::string> differing_settings(const std::vector<RunSummary>& runs) {
  std::set<std::string> keys;
  for (const RunSummary& run : runs) {
    for (const auto& [key, value] : run.settings) keys.insert(key);
  }
  std::vector<std::string> differing;
  for (const std::string& key : keys) {
    std::set<std::string> values;
    for (const RunSummary& run : runs) {
      const auto it = run.settings.find(key);
      if (run.method == kPlainTraining) continue;
      if (it != run.settings.end()) values.insert(it->second);
    }
    if (values.size() > 1 && !is_uninteresting(key)) differing.push_back(key);
  }
  return differing;
}

Table compare_runs(const std::vector<RunSummary>& runs) {
  const std::vector<std::string> settings = differing_settings(runs);
  std::vector<std::string> metrics;
  for (const Measure& measure : measures()) {
    const bool known = std::any_of(runs.begin(), runs.end(), [&](const RunSummary& run) {
      return run.metric(measure.name).has_value();
    });
    if (known) metrics.emplace_back(measure.name);
  }
  Table table;
  table.columns = {"run", "method", "status"};
  table.columns.insert(table.columns.end(), settings.begin(), settings.end());
  table.columns.insert(table.columns.end(), metrics.begin(), metrics.end());
  table.columns.emplace_back("seconds");
  for (const RunSummary& run : runs) {
    auto& row = table.rows.emplace_back();
    row = {run.name, run.method, run.status};
    for (const std::string& key : settings) row.push_back(value_or_nothing(run.settings, key));
    for (const std::string& name : metrics) row.push_back(short_number(run.metric(name)));
    row.push_back(number(run.seconds, 3));
  }
  return table;
}

std::string to_csv(const Table& table) { return lines_of(table, ",", csv_cell); }

std::string to_markdown(const Table& table) {
  const std::string lines = lines_of(table, " | ", markdown_cell);
  std::string text;
  for (const std::string& line : split(trim(lines), '\n')) {
    text += "| " + line + " |\n";
    if (text.find('\n') == text.size() - 1) {
      for (size_t i = 0; i < table.columns.size(); ++i) text += "|---";
      text += "|\n";
    }
  }
  return text;
}

}  // namespace unlearn::report
