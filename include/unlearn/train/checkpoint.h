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

// The tensors that a run changes: the weights and optimizer's state, and what the update rule
// keeps.
struct TrainedState {
  Optimizer& optimizer;
  std::vector<StatePart> update = {};
};

// When the files of a checkpoint are written.
enum class CheckpointWrites {
  kAuto,        // behind the training when its tensors lie on a GPU, the host can hold a copy, and
                // no other process holds a part of them
  kAtOnce,      // before write() returns
  kBackground,  // from a copy in host memory, while training goes on
};

// Writes checkpoints: model.safetensors, optimizer.safetensors, update.safetensors where the update
// rule keeps something, state.json, DONE and a manifest, in a folder that appears whole.
class CheckpointWriter {
 public:
  explicit CheckpointWriter(CheckpointWrites when = CheckpointWrites::kAuto) : when_(when) {}

  // The state of this moment, written by the group's first process; each holds the optimizer's and
  // the update rule's state for its shards. The files do not tell how many processes there were.
  // `afterwards` runs when they are there, maybe on another thread. Waits for the checkpoint
  // before, and throws what went wrong with it.
  void write(const std::filesystem::path& folder, const TrainedState& trained,
             const TrainingState& state, const distributed::Group& group,
             std::function<void()> afterwards = {});
  // Until everything is written; throws what went wrong.
  void wait();

 private:
  CheckpointWrites when_;
  std::future<void> pending_;
};

// A checkpoint, and the settings that it must have been made with.
struct CheckpointPlace {
  std::filesystem::path folder;
  Json fingerprint = Json::object();
};

// UserError when a checkpoint's state.json is missing or none of this program's.
TrainingState read_training_state(const std::filesystem::path& folder);

// UserError, naming the first key, when a checkpoint was made with other settings.
void check_resumable(const std::filesystem::path& folder, const Json& fingerprint);

// Restores parameters, optimizer and update rule in place. UserError when a file is missing or
// damaged, or when the settings differ (naming the first key that does).
TrainingState read_checkpoint(const CheckpointPlace& place, const TrainedState& trained);

// Restores parameters alone; UserError when one is missing or does not fit.
void read_weights(const std::filesystem::path& folder, const NamedTensors& parameters);

// The first dotted key in which two objects of settings differ, with both values; "" when they are
// equal.
std::string first_difference(const Json& before, const Json& now);

}  // namespace unlearn::train
