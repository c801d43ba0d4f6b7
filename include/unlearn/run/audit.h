// An audit: a model that is said to have forgotten is attacked, and what comes back is measured
// with the benchmark's own metrics, beside the original model and one that never knew.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/config/settings.h"
#include "unlearn/core/json.h"
#include "unlearn/run/eval_targets.h"

namespace unlearn::run {

struct AuditRequest {
  config::Settings settings;  // of the audited model's run, and what the user says; also audit.…
  EvalTarget unlearned;
  std::string original, retain;  // model or run folders; empty: none
  std::filesystem::path output;
  std::vector<std::string> attacks;  // names; empty: all
  bool quick = false;
  std::optional<double> budget_minutes;
  int64_t seed = 0;
};

// Checks every input, loads no weights; the plan as text.
std::string describe_audit(const AuditRequest& request);

// Runs the audit and returns the content of <output>/audit.json, which it writes with audit.html.
// What is done is kept in <output>/cells and <output>/cache: the same request goes on from there
// and ends with the same bytes. No audited folder is written to.
Json run_audit(const AuditRequest& request);

}  // namespace unlearn::run
