#include "unlearn/train/run_folder.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/folder_writer.h"
#include "unlearn/core/log.h"

namespace unlearn::train {
namespace fs = std::filesystem;
namespace {

constexpr const char* kRunJson = "run.json";
constexpr const char* kMetrics = "metrics.jsonl";
constexpr const char* kConfig = "config.resolved.yaml";
constexpr const char* kMethodState = "method_state.json";
constexpr const char* kOwnFiles[] = {kRunJson, kMetrics, kConfig, kMethodState};
// What `unlearn forget` leaves beside them (run/forget.h).
constexpr const char* kForgetFiles[] = {"verdict.json", "report.html", "refusals.txt",
                                        "retain.samples.jsonl"};
// Folders with manifests of their own; those of checkpoints and evaluations in between lie deeper.
constexpr const char* kOwnFolders[] = {"model", "adapter", "eval", "reference", "tensorboard"};
constexpr const char* kCheckpoints = "checkpoints";

// Of "step-N" as a run writes it.
std::optional<int64_t> step_of(const fs::path& folder) {
  const std::string name = folder.filename().string();
  constexpr std::string_view kPrefix = "step-";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int64_t step = 0;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + kPrefix.size(), end, step);
  if (error != std::errc() || stop != end || name != cat(kPrefix, step)) return std::nullopt;
  return step;
}

// The folders "step-N" of a folder that is no link.
std::vector<fs::path> step_folders(const fs::path& parent) {
  std::vector<fs::path> folders;
  if (!fs::is_directory(fs::symlink_status(parent))) return folders;
  for (const auto& entry : fs::directory_iterator(parent)) {
    if (step_of(entry.path())) folders.push_back(entry.path());
  }
  return folders;
}

// All folders of a run that have manifests, inner ones first.
std::vector<fs::path> own_folders(const fs::path& run) {
  std::vector<fs::path> folders = step_folders(run / kCheckpoints);
  for (const fs::path& folder : step_folders(run / "eval")) folders.push_back(folder);
  folders.push_back(run / "eval" / "before");
  for (const char* name : kOwnFolders) folders.push_back(run / name);
  return folders;
}

bool is_run_folder(const fs::path& path) { return fs::exists(path / kRunJson); }

Json read_run_json(const fs::path& path) {
  Json json = read_json(path / kRunJson);
  // What a resumed run reads of it.
  const auto has_type = [&](const char* key, const Json& example) {
    const auto value = json.find(key);
    return value == json.end() || value->type() == example.type() ||
           (value->is_number() && example.is_number());
  };
  if (!json.is_object() || !json.contains("status") || !has_type("status", "") ||
      !has_type("command", "") || json.value("program", Json("unlearn")) != "unlearn" ||
      !has_type("seconds", 0.0) || !has_type("memory_modes", Json::object()) ||
      !has_type("inputs_sha256", Json::object())) {
    user_error((path / kRunJson).string(), ": is no record of a run of this program");
  }
  return json;
}

// How a run of `unlearn forget` was started, or "". It has no checkpoints: what it decided while
// it measured is made again.
std::string forget_command(const fs::path& path) {
  const std::string command = read_run_json(path).value("command", "");
  if (!command.starts_with("unlearn forget ")) return "";
  return command.find("--overwrite") == std::string::npos ? command + " --overwrite" : command;
}

// The lines of the steps 1, 2, … up to `last`, as long as each is whole and in its place: a line
// cut short by a kill belongs to a step that is repeated. They point into `content`.
std::vector<std::string_view> whole_lines(std::string_view content, int64_t last) {
  std::vector<std::string_view> lines;
  while (static_cast<int64_t>(lines.size()) < last) {
    const size_t end = content.find('\n');
    if (end == std::string_view::npos) break;
    const Json row = Json::parse(content.substr(0, end), nullptr, /*allow_exceptions=*/false);
    const auto step = row.is_object() ? row.find("step") : row.end();
    if (!row.is_object() || step == row.end() || !step->is_number_integer() ||
        *step != static_cast<int64_t>(lines.size()) + 1) {
      break;
    }
    lines.push_back(content.substr(0, end));
    content.remove_prefix(end + 1);
  }
  return lines;
}

// A start that was killed leaves no more than this.
bool holds_nothing(const fs::path& path) {
  return std::all_of(fs::directory_iterator(path), fs::directory_iterator(), [](const auto& entry) {
    const std::string name = entry.path().filename().string();
    return name == FileLock::kName || name == Manifest::kName || is_temporary_of(name, kRunJson) ||
           is_temporary_of(name, Manifest::kName);
  });
}

// Whether --overwrite would have to delete what the run did not write.
void check_overwritable(const fs::path& run) {
  if (!Manifest::read(run)) {
    user_error("--output ", run.string(), ": has no ", Manifest::kName,
               ", the list of what a run of this program wrote, so nothing in it is overwritten; "
               "give another folder, or remove the old run yourself");
  }
  std::vector<fs::path> folders = own_folders(run);
  folders.push_back(run);
  for (const fs::path& folder : folders) {
    if (!fs::is_directory(fs::symlink_status(folder))) continue;
    for (const std::string& name : changed_entries(folder)) {
      user_error("--overwrite: ", (folder / name).string(),
                 " was changed since the run wrote it; move it away, or give another --output");
    }
  }
  for (const char* name : {"model", "adapter"}) {
    const fs::path folder = run / name;
    const bool is_others = fs::is_directory(folder)
                               ? !fs::is_empty(folder) && !Manifest::read(folder)
                               : is_taken(folder);
    if (is_others) {
      user_error("--overwrite: ", folder.string(),
                 " was not written by the run; move it away, or give another --output");
    }
  }
}

}  // namespace

void RunFolder::check(const fs::path& path, ExistingOutput existing) {
  if (fs::exists(path) && !fs::is_directory(path)) {
    user_error("--output ", path.string(), ": is not a folder");
  }
  const bool occupied = fs::exists(path) && !holds_nothing(path);
  if (occupied && existing == ExistingOutput::kRefuse) {
    user_error("--output ", path.string(),
               ": exists and is not empty; give --overwrite to replace it, --resume to continue it "
               "(train, "
               "finetune), or another folder");
  }
  if (occupied && !is_run_folder(path)) {
    user_error("--output ", path.string(), ": is not empty and is no run folder (no run.json); ",
               existing == ExistingOutput::kResume ? "there is nothing to resume"
                                                   : "it is not overwritten");
  }
  if (existing == ExistingOutput::kResume && !occupied) {
    user_error("--resume: ", path.string(), " holds no run");
  }
  if (existing == ExistingOutput::kResume) {
    const std::string command = forget_command(path);
    if (!command.empty()) {
      user_error("--resume: ", path.string(),
                 " is a run of unlearn forget, which is not continued "
                 "but started again, and ends the same: ",
                 command);
    }
  }
  if (occupied && existing == ExistingOutput::kOverwrite) check_overwritable(path);
}

bool RunFolder::replaces(const fs::path& path, const fs::path& file) {
  const auto lies_in_one_of = [&](const auto& names) {
    return std::any_of(std::begin(names), std::end(names),
                       [&](const char* name) { return lies_in(file, path / name); });
  };
  return lies_in_one_of(kOwnFiles) || lies_in_one_of(kForgetFiles) || lies_in_one_of(kOwnFolders) ||
         lies_in(file, path / kCheckpoints);
}

RunFolder::RunFolder(fs::path path, ExistingOutput existing) : path_(std::move(path)) {
  check(path_, existing);
  fs::create_directories(path_);
  lock_.emplace(path_ / FileLock::kName, cat("--output ", path_.string()));
  check(path_, existing);  // as it is now that nobody else can change it
  open_existing(existing);
  // A run that goes on first looks whether it is there.
  if (existing != ExistingOutput::kResume) open_metrics();
}

void RunFolder::open_metrics() {
  metrics_.open(path_ / kMetrics, std::ios::app);
  if (!metrics_) user_error((path_ / kMetrics).string(), ": cannot open for writing");
}

void RunFolder::open_existing(ExistingOutput existing) {
  const std::vector<std::string> files(std::begin(kOwnFiles), std::end(kOwnFiles));
  remove_temporaries(path_, files);
  if (existing == ExistingOutput::kResume) {
    run_json_ = read_run_json(path_);
    if (!Manifest::read(path_)) {  // of an earlier version: its run.json says whose these are
      Manifest manifest;
      for (const std::string& name : files) manifest.claim(name);
      manifest.write(path_);
    }
    own_.emplace(path_);
    own_->claim({kRunJson, kMetrics});
    return;
  }
  own_.emplace(path_);
  own_->claim({kRunJson, kMetrics});
  // First of all: the folder is a run's from here on, and no finished one, whenever this is
  // killed.
  update_run_json({{"program", "unlearn"}, {"status", "running"}});
  if (existing == ExistingOutput::kOverwrite) remove_earlier_run();
}

void RunFolder::remove_earlier_run() {
  for (const fs::path& folder : own_folders(path_)) {
    // One that held only such as went before it has no list of its own.
    const bool is_empty = fs::is_directory(fs::symlink_status(folder)) && fs::is_empty(folder);
    if (is_empty) {
      fs::remove(folder);
    } else {
      remove_own(folder);
    }
  }
  std::vector<std::string> files = {kMetrics, kConfig, kMethodState};
  files.insert(files.end(), std::begin(kForgetFiles), std::end(kForgetFiles));
  for (const std::string& name : files) {
    if (const auto manifest = Manifest::read(path_); manifest && manifest->is_own(path_, name)) {
      fs::remove(path_ / name);
    }
  }
  std::error_code not_empty;
  if (!fs::is_symlink(path_ / kCheckpoints)) fs::remove(path_ / kCheckpoints, not_empty);
  std::vector<std::string> left;
  for (const std::string& name : foreign_entries(path_)) left.push_back(name);
  if (!left.empty()) {
    log::warn("--overwrite: ", join(left, ", "), " in ", path_.string(),
              ": not written by the run that is replaced; left there");
  }
}

RunFolder RunFolder::for_reading(fs::path path) {
  RunFolder folder;
  folder.path_ = std::move(path);
  folder.run_json_ = read_run_json(folder.path_);
  return folder;
}

fs::path RunFolder::checkpoint(int64_t step) const { return checkpoints() / cat("step-", step); }

void RunFolder::update_run_json(const Json& fields) {
  run_json_.update(fields);
  write_file_atomic(path_ / kRunJson, run_json_.dump(2) + "\n");
}

void RunFolder::write_config(const std::string& yaml) { own_->write(kConfig, yaml); }

void RunFolder::append_metrics(const Json& line) {
  if (!keeps_files()) return;
  if (!metrics_.is_open()) open_metrics();
  metrics_ << line.dump() << '\n' << std::flush;
  if (!metrics_) user_error((path_ / kMetrics).string(), ": cannot write (disk full?)");
}

void RunFolder::truncate_metrics(int64_t step) {
  if (metrics_.is_open()) metrics_.close();
  const std::string content = is_taken(path_ / kMetrics) ? read_file(path_ / kMetrics) : "";
  std::string kept;
  for (const std::string_view line : whole_lines(content, step)) kept += cat(line, "\n");
  write_file_atomic(path_ / kMetrics, kept);
  open_metrics();
}

MetricsMark RunFolder::mark_metrics() const {
  sync_file(path_ / kMetrics);  // a checkpoint must not outlive the lines before it
  const std::string content = read_file(path_ / kMetrics);
  return {content.size(), sha256(content)};
}

std::string RunFolder::metrics_damage(int64_t step, const MetricsMark& mark) const {
  if (!is_taken(path_ / kMetrics)) return step == 0 ? "" : cat(kMetrics, " is missing");
  const std::string content = read_file(path_ / kMetrics);
  if (!mark.sha256.empty() &&
      (content.size() < mark.bytes || sha256(content.substr(0, mark.bytes)) != mark.sha256)) {
    return cat(kMetrics, " is not what was written: ",
               content.size() < mark.bytes ? "lines are missing" : "lines were changed");
  }
  const size_t lines = whole_lines(content, step).size();
  if (lines == static_cast<size_t>(step)) return "";
  return cat(kMetrics, " has no line of step ", lines + 1);
}

std::vector<int64_t> RunFolder::complete_checkpoints() const {
  std::vector<int64_t> steps;
  if (!fs::is_directory(checkpoints())) return steps;
  for (const auto& entry : fs::directory_iterator(checkpoints())) {
    const auto step = step_of(entry.path());
    if (step && fs::exists(entry.path() / "DONE")) steps.push_back(*step);
  }
  std::sort(steps.rbegin(), steps.rend());
  return steps;
}

// Once for a run: what is not deleted, because nothing says that this program wrote it.
void RunFolder::name_others(const fs::path& folder) {
  if (std::exchange(has_named_others_, true) || !is_taken(folder)) return;
  std::vector<std::string> others;
  if (fs::is_symlink(folder)) {
    others.push_back("all behind this link");
  } else {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (!step_of(entry.path()) || !Manifest::read(entry.path())) {
        others.push_back(entry.path().filename().string());
      }
    }
  }
  std::sort(others.begin(), others.end());
  if (others.empty()) return;
  log::warn(folder.string(), ": ", join(others, ", "),
            ": not known to be this program's; left there, and to be deleted by hand");
}

void RunFolder::prune_checkpoints(int64_t keep) {
  name_others(checkpoints());
  std::vector<int64_t> complete;
  for (const fs::path& folder : step_folders(checkpoints())) {
    if (!Manifest::read(folder)) continue;
    if (fs::exists(folder / "DONE")) {
      complete.push_back(*step_of(folder));
    } else {
      remove_own(folder);
    }
  }
  std::sort(complete.rbegin(), complete.rend());
  // DONE goes first, because it was written last: a half-deleted one never looks complete.
  for (size_t i = static_cast<size_t>(keep); i < complete.size(); ++i) {
    for (const fs::path& left : remove_own(checkpoint(complete[i]))) {
      log::warn(left.string(), ": not written by this run; left there");
    }
  }
}

}  // namespace unlearn::train
