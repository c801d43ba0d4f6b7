#include "unlearn/train/resume.h"

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

}  // namespace

std::optional<int64_t> newest_whole_checkpoint(const RunFolder& folder) {
  std::string first_damage;
  for (const int64_t step : folder.complete_checkpoints()) {
    const std::string damage = damage_of(folder, step);
    if (damage.empty()) {
      if (!first_damage.empty()) {
        log::warn(first_damage, "; going on from the older one of step ", step);
      }
      return step;
    }
    if (first_damage.empty()) {
      first_damage = cat(folder.checkpoint(step).string(), ": not whole: ", damage);
    }
  }
  if (!first_damage.empty()) {
    user_error("--resume: ", first_damage,
               "; no older checkpoint is whole either: restore what is missing, or start anew with "
               "--overwrite");
  }
  return std::nullopt;
}

}  // namespace unlearn::train
