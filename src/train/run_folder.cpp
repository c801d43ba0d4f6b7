#include "unlearn/train/run_folder.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn::train {
namespace fs = std::filesystem;
namespace {

constexpr const char* kRunJson = "run.json";
constexpr const char* kMetrics = "metrics.jsonl";
// Everything a run writes at its top level; --overwrite removes these and nothing else.
constexpr const char* kOwnEntries[] = {
    "run.json", "metrics.jsonl", "config.resolved.yaml", "model",   "checkpoints",
    "eval",     "reference",     "tensorboard",          "adapter", "method_state.json"};

std::optional<int64_t> step_of(const fs::path& folder) {
  const std::string name = folder.filename().string();
  constexpr std::string_view kPrefix = "step-";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int64_t step = 0;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + kPrefix.size(), end, step);
  if (error != std::errc() || stop != end) return std::nullopt;
  return step;
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
  if (!json.is_object() || !has_type("status", "") || !has_type("seconds", 0.0) ||
      !has_type("memory_modes", Json::object()) || !has_type("inputs_sha256", Json::object())) {
    user_error((path / kRunJson).string(), ": is no record of a run of this program");
  }
  return json;
}

void remove_other_entries(const fs::path& path) {
  for (const char* entry : kOwnEntries) {
    if (std::string_view(entry) != kRunJson) fs::remove_all(path / entry);
  }
}

// A write that was killed leaves its temporary file.
bool holds_nothing(const fs::path& path) {
  return std::all_of(fs::directory_iterator(path), fs::directory_iterator(), [](const auto& entry) {
    return entry.path().filename().string().starts_with(cat(kRunJson, ".tmp."));
  });
}

}  // namespace

void RunFolder::check(const fs::path& path, ExistingOutput existing) {
  if (fs::exists(path) && !fs::is_directory(path)) {
    user_error("--output ", path.string(), ": is not a folder");
  }
  const bool occupied = fs::exists(path) && !holds_nothing(path);
  if (occupied && existing == ExistingOutput::kRefuse) {
    user_error(
        "--output ", path.string(),
        ": exists and is not empty; give --resume to continue it, --overwrite to replace it, "
        "or another folder");
  }
  if (occupied && !is_run_folder(path)) {
    user_error("--output ", path.string(), ": is not empty and is no run folder (no run.json); ",
               existing == ExistingOutput::kResume ? "there is nothing to resume"
                                                   : "it is not overwritten");
  }
  if (existing == ExistingOutput::kResume && !occupied) {
    user_error("--resume: ", path.string(), " holds no run");
  }
  if (existing == ExistingOutput::kResume) read_run_json(path);
}

bool RunFolder::replaces(const fs::path& path, const fs::path& file) {
  return std::any_of(std::begin(kOwnEntries), std::end(kOwnEntries),
                     [&](const char* entry) { return lies_in(file, path / entry); });
}

RunFolder::RunFolder(fs::path path, ExistingOutput existing) : path_(std::move(path)) {
  check(path_, existing);
  fs::create_directories(path_);
  if (existing == ExistingOutput::kResume) {
    run_json_ = read_run_json(path_);
  } else {
    // First of all: the folder is a run's from here on, and no finished one, whenever this is
    // killed.
    update_run_json({{"status", "running"}});
    if (existing == ExistingOutput::kOverwrite) remove_other_entries(path_);
  }
  metrics_.open(path_ / kMetrics, std::ios::app);
  if (!metrics_) user_error((path_ / kMetrics).string(), ": cannot open for writing");
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

void RunFolder::write_config(const std::string& yaml) {
  write_file_atomic(path_ / "config.resolved.yaml", yaml);
}

void RunFolder::append_metrics(const Json& line) {
  metrics_ << line.dump() << '\n' << std::flush;
  if (!metrics_) user_error((path_ / kMetrics).string(), ": cannot write (disk full?)");
}

void RunFolder::truncate_metrics(int64_t step) {
  metrics_.close();
  std::string kept;
  for (const std::string& line : split(read_file(path_ / kMetrics), '\n')) {
    if (line.empty()) continue;
    // A line cut short by a kill belongs to a step that is repeated.
    const Json row = Json::parse(line, nullptr, false);
    if (row.is_object() && row.value("step", int64_t{0}) <= step) kept += line + "\n";
  }
  write_file_atomic(path_ / kMetrics, kept);
  metrics_.open(path_ / kMetrics, std::ios::app);
}

std::optional<int64_t> RunFolder::latest_checkpoint() const {
  std::optional<int64_t> latest;
  if (!fs::is_directory(checkpoints())) return latest;
  for (const auto& entry : fs::directory_iterator(checkpoints())) {
    const auto step = step_of(entry.path());
    if (step && fs::exists(entry.path() / "DONE") && (!latest || *step > *latest)) latest = step;
  }
  return latest;
}

void RunFolder::prune_checkpoints(int64_t keep) const {
  if (!fs::is_directory(checkpoints())) return;
  std::vector<int64_t> complete;
  for (const auto& entry : fs::directory_iterator(checkpoints())) {
    const auto step = step_of(entry.path());
    if (step && fs::exists(entry.path() / "DONE")) {
      complete.push_back(*step);
    } else {
      fs::remove_all(entry.path());
    }
  }
  std::sort(complete.rbegin(), complete.rend());
  for (size_t i = static_cast<size_t>(keep); i < complete.size(); ++i) {
    const fs::path folder = checkpoint(complete[i]);
    fs::remove(folder / "DONE");  // first, so that a half-deleted one never looks complete
    fs::remove_all(folder);
  }
}

}  // namespace unlearn::train
