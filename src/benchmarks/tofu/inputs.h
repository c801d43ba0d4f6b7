// What a TOFU evaluation reads before anything runs: questions, holdout texts, the retain log.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "benchmarks/tofu/log.h"
#include "benchmarks/tofu/questions.h"
#include "unlearn/eval/evaluation.h"

namespace unlearn::benchmarks::tofu {

struct TofuData {
  std::vector<TofuTaskData> tasks;    // of the splits that are asked for
  std::vector<PerturbedRow> holdout;  // empty: see missing_holdout
  std::string missing_holdout;        // what would give holdout texts
  std::optional<TofuLog> retain_log;
  std::vector<std::string> warnings;

  const TofuTaskData* forget() const;  // null when that split is not asked for
};

// UserError for anything that is wrong or missing and not optional.
TofuData load_tofu_data(const eval::EvaluationInputs& inputs, bool with_holdout);

TofuTask tofu_task(TofuSplit split);

}  // namespace unlearn::benchmarks::tofu
