// The run folder: run.json, metrics.jsonl, checkpoints/. Written atomically, readable at any
// moment.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "unlearn/core/json.h"

namespace unlearn::train {

// What to do with an existing non-empty output folder.
enum class ExistingOutput { kRefuse, kResume, kOverwrite };

class RunFolder {
 public:
  // UserError when the folder cannot be used: it exists, is not empty and kRefuse is asked, or it
  // is no run folder and something else is. Writes nothing.
  static void check(const std::filesystem::path& path, ExistingOutput existing);
  // Whether --overwrite removes `file` from the folder `path`.
  static bool replaces(const std::filesystem::path& path, const std::filesystem::path& file);
  // Creates the folder (or takes it over) after that check; with kOverwrite the files of an earlier
  // run are removed (nothing else).
  RunFolder(std::filesystem::path path, ExistingOutput existing);
  // A run's folder as it is, for the processes of a run that do not write there: all but the first.
  static RunFolder for_reading(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path model() const { return path_ / "model"; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path checkpoint(int64_t step) const;

  // run.json: merges `fields` into what is there and writes the file.
  void update_run_json(const Json& fields);
  const Json& run_json() const { return run_json_; }
  void write_config(const std::string& yaml);

  // metrics.jsonl: one line per step, flushed at once.
  void append_metrics(const Json& line);
  // Drops lines of steps after `step` (a resumed run repeats them).
  void truncate_metrics(int64_t step);

  // The newest checkpoint folder with a DONE file and its step.
  std::optional<int64_t> latest_checkpoint() const;
  // Deletes incomplete checkpoints and all but the newest `keep`.
  void prune_checkpoints(int64_t keep) const;

 private:
  RunFolder() = default;

  std::filesystem::path path_;
  Json run_json_ = Json::object();
  std::ofstream metrics_;
};

}  // namespace unlearn::train
