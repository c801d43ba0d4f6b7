// What a run folder says of a removal: which run it comes from, and where the replay begins.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/core/json.h"
#include "unlearn/run/run_config.h"
#include "unlearn/train/run_folder.h"

namespace unlearn::run {

// run.json's `purpose` of a run of unlearn finetune.
inline constexpr const char* kFinetunePurpose = "finetune";

// run.json's `removal`.
struct Removal {
  std::string run;                    // the folder of the run without the removal
  std::vector<int64_t> removed_rows;  // those that the run had used
  int64_t first_use_step = 0;         // the first step, from 1, that used one of them
  int64_t start_step = 0;             // steps that the replay takes over
  std::string checkpoint;             // its folder; empty: the original model
  std::string start_sha256;           // of the checkpoint (checkpoint_sha256) or of the model
  std::string run_version;            // of the program that made the run

  Json to_json() const;
  // UserError where the checkpoint is gone, is not what it was, or belongs to other settings.
  void check_start(const RunConfig& config) const;
};

// Of a run folder that `unlearn remove` has made; UserError for a record that is none.
std::optional<Removal> removal_of(const train::RunFolder& folder);

// SHA-256 over names and contents of a checkpoint's files.
std::string checkpoint_sha256(const std::filesystem::path& folder);

// The settings that decide a result, without data.exclude.
Json without_exclusion(Json fingerprint);

// SHA-256 over a line "number hash" of every row (data/exclusion.h) that is not excluded.
std::string rows_sha256(const std::map<int64_t, std::string>& hashes,
                        const std::vector<int64_t>& excluded);

// Makes <output> a run folder that `--resume` continues at the removal's start: `from` is the run
// whose first steps are taken over, and `inputs` are hashes that its inputs must have. The
// configuration is that of the new run.
void seed_replay(const std::filesystem::path& from, const RunConfig& config, const Removal& removal,
                 const Json& inputs, train::ExistingOutput existing);

// Continues the run in `output` with as many processes and threads as the run in `from` had.
// Returns the exit code.
int continue_replay(const std::filesystem::path& from, const std::filesystem::path& output,
                    const std::string& command_line);

}  // namespace unlearn::run
