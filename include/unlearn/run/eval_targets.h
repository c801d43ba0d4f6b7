// What `unlearn eval` evaluates: model folders, and the run folders that models came from.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "unlearn/config/settings.h"
#include "unlearn/run/evaluator.h"

namespace unlearn::run {

// One model to evaluate.
struct EvalTarget {
  std::string name;                  // column of the table
  std::filesystem::path model;       // Hugging Face folder; empty: `adapter` beside the run's start
  std::filesystem::path adapter;     // of a LoRA run that wrote no merged model
  std::filesystem::path output;      // its results go to <output>/eval
  std::filesystem::path run_config;  // config.resolved.yaml of its run, if it is one
};

// Whether the folder is a run's that holds the model (or adapter) it made.
bool is_run_folder(const std::filesystem::path& folder);

struct TargetOptions {
  std::string adapter;  // to put into the model, which must be one; empty: none
  std::string output;   // the folder that gets eval/, or one for each of several; empty: the run's,
                        // else runs/eval-NAME
};

// One target for each folder. UserError for a folder that holds an adapter alone, and when two
// would write to one place.
std::vector<EvalTarget> eval_targets(const std::vector<std::string>& folders,
                                     const TargetOptions& options);

// The weights behind a target; `config` is what it is evaluated with.
EvaluatedModel evaluated_model(const EvalTarget& target, const RunConfig& config,
                               const std::string& adapter);

// What the benchmark evaluates where the user names no forget split; the benchmark tasks where
// files of tasks are named and neither a benchmark nor its data.
void set_evaluated_split(config::Settings& user);

}  // namespace unlearn::run
