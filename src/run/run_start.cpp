#include "run/run_start.h"

#include "run/remove/removal.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"
#include "unlearn/train/checkpoint.h"
#include "unlearn/train/resume.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

void check_same_settings(const RunConfig& config, const train::RunFolder& folder,
                         std::optional<int64_t> checkpoint) {
  if (checkpoint) train::check_resumable(folder.checkpoint(*checkpoint), config.fingerprint());
  const auto before = folder.run_json().find("settings_sha256");
  if (before != folder.run_json().end() && *before != settings_hash(config)) {
    user_error("--resume: the run was started with other settings, those of ",
               (folder.path() / "config.resolved.yaml").string(),
               "; give the same ones, or start a new run");
  }
}

// Whether all that a run saves is still there.
bool has_weights(const RunConfig& config, const train::RunFolder& folder) {
  std::vector<fs::path> saved;
  if (config.train.lora_rank > 0) saved.push_back(folder.path() / "adapter");
  if (config.train.lora_rank == 0 || config.train.lora_merge) saved.push_back(folder.model());
  for (const fs::path& weights : saved) {
    std::vector<std::string> names = {weights == folder.model() ? "config.json"
                                                                : "adapter_config.json"};
    if (const auto manifest = Manifest::read(weights)) names = manifest->names();
    for (const std::string& name : names) {
      if (fs::exists(weights / name)) continue;
      log::warn((weights / name).string(), " is missing; what the run saved is recomputed");
      return false;
    }
  }
  return true;
}

}  // namespace

std::string RunStart::to_bytes() const {
  return Json{is_trained, checkpoint ? Json(*checkpoint) : Json(), origin}.dump();
}

RunStart RunStart::from_bytes(const std::string& bytes) {
  const Json json = parse_json(bytes, "start of the run");
  RunStart start{.is_trained = json.at(0).get<bool>()};
  if (!json.at(1).is_null()) start.checkpoint = json.at(1).get<int64_t>();
  start.origin = json.at(2).get<std::string>();
  return start;
}

RunStart find_start(const RunConfig& config, const train::RunFolder& folder) {
  RunStart start;
  const std::string before = folder.run_json().value("status", "");
  start.is_trained = (before == kDone || before == kEvaluating) && has_weights(config, folder);
  if (!start.is_trained) start.checkpoint = train::newest_whole_checkpoint(folder);
  check_same_settings(config, folder, start.checkpoint);
  if (!start.is_trained && !start.checkpoint && removal_of(folder)) {
    const Removal removal = *removal_of(folder);
    if (!removal.checkpoint.empty()) {
      removal.check_start(config);
      start.checkpoint = removal.start_step;
      start.origin = removal.checkpoint;
    }
  }
  return start;
}

std::string settings_hash(const RunConfig& config) { return sha256(config.fingerprint().dump()); }

}  // namespace unlearn::run
