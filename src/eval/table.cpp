#include <algorithm>
#include <iomanip>
#include <set>
#include <sstream>

#include "unlearn/core/error.h"
#include "unlearn/eval/evaluation.h"

namespace unlearn::eval {
namespace {

constexpr int kDigits = 5;
constexpr size_t kNarrowest = 10;

std::string cell_text(const metrics::EvalReport& report, const std::string& metric) {
  const auto entry = report.find(metric);
  if (entry == report.end()) return "";
  return entry->second.value ? number(*entry->second.value, kDigits) : "-";
}

}  // namespace

std::string comparison_table(const std::vector<NamedOutcome>& outcomes,
                             const std::vector<std::string>& headline) {
  std::set<std::string> known;
  for (const NamedOutcome& outcome : outcomes) {
    for (const auto& [name, metric] : *outcome.report) known.insert(name);
  }
  std::vector<std::string> rows;
  for (const std::string& name : headline) {
    if (known.erase(name) > 0) rows.push_back(name);
  }
  rows.insert(rows.end(), known.begin(), known.end());
  size_t first = std::string("metric").size();
  for (const std::string& name : rows) first = std::max(first, name.size());
  std::ostringstream out;
  const auto pad = [&](const std::string& text, size_t width) {
    out << "  " << std::string(width - std::min(width, text.size()), ' ') << text;
  };
  const auto width_of = [](const NamedOutcome& outcome) {
    return std::max(outcome.name.size(), kNarrowest);
  };
  out << std::left << std::setw(static_cast<int>(first)) << "metric";
  for (const NamedOutcome& outcome : outcomes) pad(outcome.name, width_of(outcome));
  out << "\n";
  for (const std::string& name : rows) {
    out << std::left << std::setw(static_cast<int>(first)) << name;
    for (const NamedOutcome& outcome : outcomes) {
      pad(cell_text(*outcome.report, name), width_of(outcome));
    }
    out << "\n";
  }
  return out.str();
}

}  // namespace unlearn::eval
