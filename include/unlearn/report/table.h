// The comparison of runs as a table: one row a run, what differs between them, and what they
// scored.
#pragma once

#include <string>
#include <vector>

#include "unlearn/report/run_summary.h"

namespace unlearn::report {

// All cells are text; a missing number is "" in CSV and "-" in Markdown.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

// Columns: run, method, status, the settings whose values differ between the runs, the headline
// metrics that at least one run has (every other metric stays in the run's own files), seconds.
Table compare_runs(const std::vector<RunSummary>& runs);

std::string to_csv(const Table& table);       // RFC 4180, one header line
std::string to_markdown(const Table& table);  // aligned

// The settings, dotted, whose values differ between the runs and say something about them.
std::vector<std::string> differing_settings(const std::vector<RunSummary>& runs);

}  // namespace unlearn::report
