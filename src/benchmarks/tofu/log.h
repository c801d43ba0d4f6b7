// Stored TOFU evaluations: the TOFU repository's eval_log_aggregated.json and OpenUnlearning's
// TOFU_EVAL.json, read into one form.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "benchmarks/tofu/formulas.h"
#include "unlearn/metrics/eval_log.h"

namespace unlearn::benchmarks::tofu {

enum class TofuLogForm { kAggregated, kOpenUnlearning };

struct TofuLog {
  std::string source;  // for messages: the file's name
  TofuLogForm form = TofuLogForm::kAggregated;
  std::array<std::vector<TofuRow>, 4> tasks;  // in the order of kTofuTasks; empty = not evaluated
  metrics::EvalReport other;                  // OpenUnlearning's metrics beyond the TOFU tasks

  std::vector<TofuRow>& rows(TofuTask task) { return tasks[static_cast<size_t>(task)]; }
  const std::vector<TofuRow>& rows(TofuTask task) const { return tasks[static_cast<size_t>(task)]; }
};

// Recognises the two forms by their keys. UserError (one line: file, task or metric, field, row)
// for missing fields, lists of different lengths, another benchmark's log, an empty log. A null
// loss is what a diverged model's log has: it reads as NaN, and what NaN goes into becomes null.
TofuLog read_tofu_log(const std::filesystem::path& path);
TofuLog parse_tofu_log(const Json& json, const std::string& source);

// The aggregated form: objects keyed by row number, which locuslab/tofu's scripts read, or lists in
// row order, which Unlearn-Simple's do (read_tofu_log takes either). A field is written for a task
// when every row of it has that field; numbers keep every bit.
Json tofu_aggregated_json(const TofuLog& log, bool as_lists = false);

}  // namespace unlearn::benchmarks::tofu
