// Training checkpoints: everything needed to go on to the bit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>

#include "unlearn/core/json.h"
#include "unlearn/distributed/group.h"
#include "unlearn/train/optimizer.h"
#include "unlearn/train/run_folder.h"

namespace unlearn::train {

// What a checkpoint holds beside tensors.
struct TrainingState {
  int64_t step = 0;
  int64_t stream_position = 0;
  MetricsMark metrics = {};
  Json loss_state = Json::object();
  Json fingerprint = Json::object();  // settings that decide the result
};

// When the files of a checkpoint are written.
enum class CheckpointWrites {
  kAuto,        // behind the training when its tensors lie on a GPU, the host can hold a copy, and
                // no other process holds a part of them
  kAtOnce,      // before write() returns
  kBackground,  // from a copy in host memory, while training goes on
};

// Writes checkpoints: model.safetensors, optimizer.safetensors, state.json, DONE and a manifest, in
// a folder that appears whole.
class CheckpointWriter {
 public:
  explicit CheckpointWriter(CheckpointWrites when = CheckpointWrites::kAuto) : when_(when) {}

  // The state of this moment, written by the group's first process; the optimizer holds a part for
  // each. The files do not tell how many processes there were. `afterwards` runs when they are
  // there, maybe on another thread. Waits for the checkpoint before, and throws what went wrong
  // with it.
  void write(const std::filesystem::path& folder, const AdamW& optimizer,
             const TrainingState& state, const distributed::Group& group,
             std::function<void()> afterwards = {});
  // Until everything is written; throws what went wrong.
  void wait();

 private:
  CheckpointWrites when_;
  std::future<void> pending_;
};

// UserError when a checkpoint's state.json is missing or none of this program's.
TrainingState read_training_state(const std::filesystem::path& folder);

// UserError, naming the first key, when a checkpoint was made with other settings.
void check_resumable(const std::filesystem::path& folder, const Json& fingerprint);

// Restores parameters and optimizer in place. UserError when a file is missing or damaged, or when
// `fingerprint` differs (naming the first key that does).
TrainingState read_checkpoint(const std::filesystem::path& folder, AdamW& optimizer,
                              const Json& fingerprint);

}  // namespace unlearn::train
