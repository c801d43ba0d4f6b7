// What a removal takes: which rows, from which step, at what cost.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "run/remove/removal.h"
#include "unlearn/data/splits.h"
#include "unlearn/run/prepare.h"
#include "unlearn/run/remove.h"

namespace unlearn::run {

struct RemovalPlan {
  RunConfig config;  // of the new run
  Removal removal;
  int64_t num_rows = 0;                    // of the training file
  int64_t total_steps = 0;                 // of the run
  double seconds_per_step = 0;             // as the run recorded them; 0: it has no such record
  std::map<int64_t, std::string> removed;  // the rows and their content hashes
  Json inputs = {};                        // inputs_of_run
  // The newest checkpoint that would do with train.save_every: first_use and train.keep: all.
  int64_t nearest_step = 0;

  // For the user, before anything is done.
  std::string text() const;
};

// Reads the run, its training rows and its checkpoints; loads no weights, writes nothing.
RemovalPlan plan_removal(const RemoveRequest& request);

// The rows of data.train as the run was trained on them (before quirks change them).
data::Split training_rows(const RunConfig& config);

// What a run's inputs must still be, by file (inputs_sha256 of its run.json). Of a run that
// excludes rows and has a certificate, the training file is left out when its other rows are as the
// certificate says: the text of the excluded ones may have been deleted since.
Json inputs_of_run(const std::filesystem::path& run, const std::filesystem::path& training_file,
                   const std::map<int64_t, std::string>& hashes);

// The configuration that a run folder recorded, with another output. UserError for a folder that is
// no finished run of unlearn finetune.
RunConfig recorded_config(const std::filesystem::path& run, const std::filesystem::path& output);

}  // namespace unlearn::run
