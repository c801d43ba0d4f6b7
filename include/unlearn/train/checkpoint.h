// Training checkpoints: everything needed to go on to the bit.
#pragma once

#include <cstdint>
#include <filesystem>

#include "unlearn/core/json.h"
#include "unlearn/train/optimizer.h"

namespace unlearn::train {

// What a checkpoint holds beside tensors.
struct TrainingState {
  int64_t step = 0;
  int64_t stream_position = 0;
  Json loss_state = Json::object();
  Json fingerprint = Json::object();  // settings that decide the result
};

// Writes model.safetensors, optimizer.safetensors, state.json and, last, DONE.
void write_checkpoint(const std::filesystem::path& folder, const AdamW& optimizer,
                      const TrainingState& state);

// Restores parameters and optimizer in place. UserError when a file is missing or damaged, or when
// `fingerprint` differs (naming the first key that does).
TrainingState read_checkpoint(const std::filesystem::path& folder, AdamW& optimizer,
                              const Json& fingerprint);

}  // namespace unlearn::train
