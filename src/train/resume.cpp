#include "unlearn/train/resume.h"

#include <limits>

#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/train/checkpoint.h"

namespace unlearn::train {
namespace {

// What is wrong with a checkpoint, or "".
std::string damage_of(const RunFolder& folder, int64_t step) {
  const std::filesystem::path path = folder.checkpoint(step);
  if (const auto manifest = Manifest::read(path)) {
    const std::string damage = manifest->first_damage(path);
    if (!damage.empty()) return damage;
  } else if (is_taken(path / Manifest::kName)) {
    return cat(Manifest::kName, " is damaged");
  } else {
    log::warn(path.string(), ": has no ", Manifest::kName,
              " (an earlier version wrote it); whether it is whole is not known");
  }
  try {
    const TrainingState state = read_training_state(path);
    if (state.step != step) return cat("its state is that of step ", state.step);
    return folder.metrics_damage(step, state.metrics);
  } catch (const UserError& error) {
    return error.what();
  }
}

// The newest whole checkpoint of step `last` or before; what is wrong with the newest of all that
// is not whole.
struct WholeCheckpoint {
  std::optional<int64_t> step;
  std::string damage;
};

WholeCheckpoint find_whole_checkpoint(const RunFolder& folder, int64_t last) {
  WholeCheckpoint found;
  for (const int64_t step : folder.complete_checkpoints()) {
    if (step > last) continue;
    const std::string damage = damage_of(folder, step);
    if (damage.empty()) {
      found.step = step;
      if (!found.damage.empty()) {
        log::warn(found.damage, "; going on from the older one of step ", step);
      }
      return found;
    }
    if (found.damage.empty()) {
      found.damage = cat(folder.checkpoint(step).string(), ": not whole: ", damage);
    }
  }
  return found;
}

}  // namespace

std::optional<int64_t> newest_whole_checkpoint(const RunFolder& folder) {
  const WholeCheckpoint found = find_whole_checkpoint(folder, std::numeric_limits<int64_t>::max());
  if (!found.step && !found.damage.empty()) {
    user_error("--resume: ", found.damage,
               "; no older checkpoint is whole either: restore what is missing, or start anew with "
               "--overwrite");
  }
  return found.step;
}

std::optional<int64_t> whole_checkpoint_before(const RunFolder& folder, int64_t last) {
  const WholeCheckpoint found = find_whole_checkpoint(folder, last);
  if (!found.step && !found.damage.empty()) log::warn(found.damage, "; it is not used");
  return found.step;
}

}  // namespace unlearn::train
