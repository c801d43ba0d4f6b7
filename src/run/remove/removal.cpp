#include "run/remove/removal.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdlib>

#include "run/run_start.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"
#include "unlearn/core/manifest.h"
#include "unlearn/distributed/launch.h"
#include "unlearn/distributed/processes.h"
#include "unlearn/run/run.h"
#include "unlearn/train/checkpoint.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

constexpr const char* kRemovalKey = "removal";

// The lines of the steps that a replay takes over.
std::vector<Json> first_metrics(const fs::path& run, int64_t steps) {
  std::vector<Json> lines;
  if (steps == 0) return lines;
  for_each_json_row(run / "metrics.jsonl", [&](int64_t, const Json& line) {
    if (static_cast<int64_t>(lines.size()) < steps) lines.push_back(line);
  });
  if (static_cast<int64_t>(lines.size()) < steps) {
    user_error((run / "metrics.jsonl").string(), ": has no line of step ", lines.size() + 1);
  }
  return lines;
}

}  // namespace

Json Removal::to_json() const {
  return {{"run", run},
          {"removed_rows", removed_rows},
          {"first_use_step", first_use_step},
          {"start_step", start_step},
          {"checkpoint", checkpoint.empty() ? Json() : Json(checkpoint)},
          {"start_sha256", start_sha256},
          {"run_version", run_version}};
}

std::optional<Removal> removal_of(const train::RunFolder& folder) {
  const auto found = folder.run_json().find(kRemovalKey);
  if (found == folder.run_json().end()) return std::nullopt;
  try {
    const Json& json = *found;
    return Removal{.run = json.at("run").get<std::string>(),
                   .removed_rows = json.at("removed_rows").get<std::vector<int64_t>>(),
                   .first_use_step = json.at("first_use_step").get<int64_t>(),
                   .start_step = json.at("start_step").get<int64_t>(),
                   .checkpoint = json.at("checkpoint").is_null()
                                     ? std::string()
                                     : json.at("checkpoint").get<std::string>(),
                   .start_sha256 = json.at("start_sha256").get<std::string>(),
                   .run_version = json.at("run_version").get<std::string>()};
  } catch (const Json::exception&) {
    user_error((folder.path() / "run.json").string(), ": '", kRemovalKey,
               "' is no record of unlearn remove");
  }
}

std::string checkpoint_sha256(const fs::path& folder) {
  std::vector<std::string> lines;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || name == Manifest::kName) continue;
    lines.push_back(cat(sha256_file(entry.path()), "  ", name, "\n"));
  }
  std::sort(lines.begin(), lines.end());
  return sha256(join(lines, ""));
}

Json without_exclusion(Json fingerprint) {
  if (fingerprint.contains("data")) fingerprint["data"].erase("exclude");
  return fingerprint;
}

void Removal::check_start(const RunConfig& config) const {
  if (!fs::exists(fs::path(checkpoint) / "DONE") || checkpoint_sha256(checkpoint) != start_sha256) {
    user_error(checkpoint, ": the checkpoint that this replay begins at is gone or is not what it ",
               "was; run unlearn remove again, with --overwrite");
  }
  const Json saved = train::read_training_state(checkpoint).fingerprint;
  const std::string difference =
      train::first_difference(without_exclusion(saved), without_exclusion(config.fingerprint()));
  if (!difference.empty()) {
    user_error("--resume: the run was started with other settings: ", difference,
               "; give the same ones, or start a new run");
  }
}

std::string rows_sha256(const std::map<int64_t, std::string>& hashes,
                        const std::vector<int64_t>& excluded) {
  std::string lines;
  for (const auto& [row, hash] : hashes) {
    if (std::binary_search(excluded.begin(), excluded.end(), row)) continue;
    lines += cat(row, " ", hash, "\n");
  }
  return sha256(lines);
}

void seed_replay(const fs::path& from, const RunConfig& config, const Removal& removal,
                 const Json& inputs, train::ExistingOutput existing) {
  const std::vector<Json> lines = first_metrics(from, removal.start_step);
  const Json run_json = read_json(from / "run.json");
  train::RunFolder folder(config.output, existing);
  folder.write_config(config::to_yaml(config.resolved()));
  for (const Json& line : lines) folder.append_metrics(line);
  // Last: with this record the folder can be continued.
  folder.update_run_json({{"status", kInterrupted},
                          {"purpose", kFinetunePurpose},
                          {"inputs_sha256", inputs},
                          {"memory_modes", run_json.at("memory_modes")},
                          {kRemovalKey, removal.to_json()}});
}

int continue_replay(const fs::path& from, const fs::path& output, const std::string& command_line) {
  const Json run_json = read_json(from / "run.json");
  const auto processes = run_json.value("processes", int64_t{1});
  const int threads = run_json.value("threads", 1);
  if (processes > 1) {
    ::setenv("OMP_NUM_THREADS", std::to_string(threads).c_str(), 1);
    std::vector<std::string> arguments = {"finetune", "--resume", "--output", output.string()};
    if (!log::enabled(log::Level::kInfo)) arguments.emplace_back("--quiet");
    return distributed::run_processes(processes, arguments);
  }
  at::set_num_threads(threads);
  const RunRequest request{.resolve =
                               [&] {
                                 auto settings =
                                     config::Settings::from_file(output / "config.resolved.yaml");
                                 settings.begin_layer();
                                 settings.set("output", output.string(), "unlearn remove");
                                 return resolve_run(settings, Purpose::kFinetune);
                               },
                           .existing = train::ExistingOutput::kResume,
                           .command_line = command_line};
  return execute(request, distributed::Launch());
}

}  // namespace unlearn::run
