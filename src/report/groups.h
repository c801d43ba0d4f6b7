// Runs that differ in their seed alone, averaged.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/report/run_summary.h"

namespace unlearn::report {

// Makes the models that methods are compared with; its settings differ anyway.
inline constexpr const char* kPlainTraining = "nll";

struct Spread {
  double mean = 0;
  std::optional<double> sd;  // over the seeds (n - 1); none of one
  int64_t count = 0;         // of runs that have the value
};

struct Group {
  std::string name = "";
  std::vector<const RunSummary*> runs;  // at least one
  std::map<std::string, Spread> before = {}, after = {};
  int64_t ruined = 0;  // runs with broken outputs

  const RunSummary& first() const { return *runs.front(); }
  bool is_ruined() const { return 2 * ruined >= static_cast<int64_t>(runs.size()); }
  std::optional<double> mean(const std::string& metric) const;
  std::optional<double> mean_before(const std::string& metric) const;
};

Group make_group(std::vector<const RunSummary*> runs);

// In the order of the runs; they must outlive the groups. A run without settings stands alone.
std::vector<Group> group_seeds(const std::vector<RunSummary>& runs);

// Settings that differ between runs but say nothing about a comparison.
bool is_uninteresting(const std::string& setting);

}  // namespace unlearn::report
