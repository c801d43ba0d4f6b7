// <BENCHMARK>_EVAL.json and <BENCHMARK>_SUMMARY.json, the files of OpenUnlearning's evaluators
// (src/evals/base.py): a metric's aggregate beside the per-example values it comes from.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/core/json.h"

namespace unlearn::metrics {

struct MetricResult {
  std::optional<double> value;  // "agg_value"; none (null) when something it needs is missing
  Json details = Json::object();  // "value_by_index": {"0": {…}, …}, and for attacks "forget", …
};
using EvalReport = std::map<std::string, MetricResult>;  // sorted by metric name, as in the files

// What an evaluation says, and one line for every null: what is missing and what would fill it.
struct Evaluation {
  EvalReport metrics;
  std::vector<std::string> warnings;
};

// Numbers keep every bit; a value that is not finite becomes null.
Json eval_json(const EvalReport& report);
Json summary_json(const EvalReport& report);
// Writes <benchmark>_EVAL.json and <benchmark>_SUMMARY.json ("TOFU", "MUSE", …), each atomically.
void write_eval_files(const std::filesystem::path& folder, const std::string& benchmark,
                      const EvalReport& report);

// The log that `name` means: the file itself, or the first that is there of <benchmark>_EVAL.json
// and (TOFU) eval_log_aggregated.json in a folder or in its eval/, as in a run folder. UserError
// with `option` in front when the folder holds none.
std::filesystem::path eval_log_file(const std::string& name, const std::string& benchmark,
                                    const std::string& option);

// Reads a log as Python's json module writes it, with NaN, Infinity and -Infinity. UserError when
// malformed.
Json read_log_json(const std::filesystem::path& path);

// Reads an _EVAL.json; UserError when it is a summary, empty, or something else altogether.
EvalReport read_eval_report(const std::filesystem::path& path);
EvalReport parse_eval_report(const Json& log, const std::string& source);

// One number of a log, which may be NaN or infinite; NaN also for null, which is what JSON makes of
// a diverged model's NaN. UserError "<where>: …" for anything but a number or null.
double log_number(const Json& value, const std::string& where);

// The rows of "value_by_index" in index order. UserError unless the keys are distinct row numbers.
std::vector<std::pair<int64_t, const Json*>> indexed_rows(const Json& rows,
                                                          const std::string& where);

// The values of `field` in value_by_index, in index order; null ones are left out.
struct RowValues {
  std::vector<double> values;
  std::string non_finite;  // "row 3: score is NaN" of the first that is not finite; else empty
};
RowValues row_values(const MetricResult& result, const std::string& field,
                     const std::string& where);

}  // namespace unlearn::metrics
