// The run folder: run.json, metrics.jsonl, checkpoints/. Written atomically, readable at any
// moment.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "unlearn/core/json.h"
#include "unlearn/core/lock.h"
#include "unlearn/core/manifest.h"

namespace unlearn::train {

// What to do with an existing non-empty output folder.
enum class ExistingOutput { kRefuse, kResume, kOverwrite };

// What metrics.jsonl was at a moment; later it begins with that.
struct MetricsMark {
  uint64_t bytes = 0;
  std::string sha256 = {};  // empty: not known
};

class RunFolder {
 public:
  // UserError when the folder cannot be used: it exists, is not empty and kRefuse is asked, or it
  // is no run folder and something else is; with kOverwrite also when it has no manifest, or holds
  // files of the run that were changed since. Writes nothing.
  static void check(const std::filesystem::path& path, ExistingOutput existing);
  // Whether --overwrite removes `file` from the folder `path`.
  static bool replaces(const std::filesystem::path& path, const std::filesystem::path& file);
  // Creates the folder (or takes it over) after that check and locks it: UserError when another
  // process has it. With kOverwrite the files of an earlier run are removed, those that its
  // manifests list; what else is there stays, and a warning names it.
  RunFolder(std::filesystem::path path, ExistingOutput existing);
  // A run's folder as it is, for the processes of a run that do not write there: all but the first.
  static RunFolder for_reading(std::filesystem::path path);
  // For a training that leaves nothing on disk: what is written to it is dropped, and there are no
  // checkpoints.
  static RunFolder in_memory() { return {}; }
  bool keeps_files() const { return !path_.empty(); }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path model() const { return path_ / "model"; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path checkpoint(int64_t step) const;

  // run.json: merges `fields` into what is there and writes the file.
  void update_run_json(const Json& fields);
  const Json& run_json() const { return run_json_; }
  void write_config(const std::string& yaml);
  // Another file of the run, whole.
  void write(const std::string& name, std::string_view content) {
    if (keeps_files()) own_->write(name, content);
  }

  // metrics.jsonl: one line per step, flushed at once.
  void append_metrics(const Json& line);
  // Drops lines of steps after `step` (a resumed run repeats them).
  void truncate_metrics(int64_t step);
  MetricsMark mark_metrics() const;
  // What is wrong with the lines of the steps 1 to `step`, which began with `mark`, or "".
  std::string metrics_damage(int64_t step, const MetricsMark& mark) const;

  // The steps of the checkpoint folders with a DONE file, the newest first.
  std::vector<int64_t> complete_checkpoints() const;
  // Deletes this program's incomplete checkpoints and all but the newest `keep` and those of the
  // `spared` steps. What else lies in checkpoints/ stays, and all of it when that is a link.
  void prune_checkpoints(int64_t keep, const std::vector<int64_t>& spared = {});

 private:
  RunFolder() = default;

  void open_existing(ExistingOutput existing);
  void open_metrics();
  void remove_earlier_run();
  void name_others(const std::filesystem::path& folder);

  std::filesystem::path path_;
  std::optional<FileLock> lock_;
  std::optional<OwnFolder> own_;  // of the process that writes
  Json run_json_ = Json::object();
  std::ofstream metrics_;
  bool has_named_others_ = false;
};

}  // namespace unlearn::train
