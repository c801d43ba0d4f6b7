// Where a run begins: anew, at a checkpoint, or with all of its training done.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "unlearn/run/run_config.h"
#include "unlearn/train/run_folder.h"

namespace unlearn::run {

// The statuses of run.json.
inline constexpr const char* kRunning = "running";
inline constexpr const char* kEvaluating = "evaluating";  // the model is saved, not evaluated yet
inline constexpr const char* kDone = "done";
inline constexpr const char* kInterrupted = "interrupted";
inline constexpr const char* kFailed = "failed";

// Found by the first process, which has the folder, and broadcast to the others.
struct RunStart {
  bool is_trained = false;                 // the weights are saved; there is nothing to train
  std::optional<int64_t> checkpoint = {};  // the step to go on from
  std::string origin = {};                 // folder of that checkpoint where it is another run's

  std::string to_bytes() const;
  static RunStart from_bytes(const std::string& bytes);
  bool operator==(const RunStart&) const = default;
};

// Of a run that goes on: reads what the folder holds. UserError when it was started with other
// settings (a checkpoint can say which), or when no checkpoint is whole.
RunStart find_start(const RunConfig& config, const train::RunFolder& folder);

// What run.json has as settings_sha256.
std::string settings_hash(const RunConfig& config);

}  // namespace unlearn::run
