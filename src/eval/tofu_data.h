// What a TOFU evaluation reads before anything runs: questions, holdout texts, the retain log.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "unlearn/benchmarks/tofu.h"
#include "unlearn/eval/evaluation.h"
#include "unlearn/metrics/tofu_log.h"

namespace unlearn::eval {

struct TofuData {
  std::vector<benchmarks::TofuTaskData> tasks;    // of the splits that are asked for
  std::vector<benchmarks::PerturbedRow> holdout;  // empty: see missing_holdout
  std::string missing_holdout;                    // what would give holdout texts
  std::optional<metrics::TofuLog> retain_log;
  std::vector<std::string> warnings;

  const benchmarks::TofuTaskData* forget() const;  // null when that split is not asked for
};

// UserError for anything that is wrong or missing and not optional.
TofuData load_tofu_data(const EvaluationInputs& inputs, bool with_holdout);

metrics::TofuTask tofu_task(benchmarks::TofuSplit split);

}  // namespace unlearn::eval
