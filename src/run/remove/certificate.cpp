#include "run/remove/certificate.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <iostream>

#include "run/forget/verdict_files.h"
#include "run/remove/removal.h"
#include "run/remove/removal_plan.h"
#include "run/verify_lines.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/data/exclusion.h"
#include "unlearn/run/device.h"
#include "unlearn/run/remove.h"
#include "unlearn/run/version.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

constexpr const char* kShows =
    "The weights are those that this program gets by training the starting model from the "
    "beginning, with the same settings, the same order of the data and the same number of "
    "processes and threads, while the places of the excluded rows stay empty (unlearn verify "
    "--retrain does that and compares).";
constexpr const char* kDoesNotShow[] = {
    "That the starting model had not learnt the rows before.",
    "That other rows do not say the same: rows are told apart by their content to the token.",
    "That no copies of the rows, of the old model, of its checkpoints or of its outputs exist "
    "elsewhere; the old run's folder is left as it is.",
    "What the model says: a row's content may follow from the other rows or from the starting "
    "model.",
    "Who made this file: it is not signed."};

// Name -> SHA-256 of every weight file that a run has saved.
Json weight_files(const fs::path& run) {
  std::vector<std::string> names;
  for (const char* part : {"adapter", "model"}) {
    if (!fs::is_directory(run / part)) continue;
    for (const auto& entry : fs::directory_iterator(run / part)) {
      if (entry.path().extension() == ".safetensors") {
        names.push_back((fs::path(part) / entry.path().filename()).string());
      }
    }
  }
  std::sort(names.begin(), names.end());
  Json files = Json::object();
  for (const std::string& name : names) files[name] = sha256_file(run / name);
  return files;
}

// Of one file its own, of several that of sha256sum's lines.
std::string weights_sha256(const Json& files) {
  if (files.size() == 1) return files.begin()->get<std::string>();
  std::string lines;
  for (const auto& [name, hash] : files.items()) {
    lines += cat(hash.get<std::string>(), "  ", name, "\n");
  }
  return sha256(lines);
}

Json rows_json(const std::vector<int64_t>& rows, const std::map<int64_t, std::string>& hashes) {
  Json list = Json::array();
  for (const int64_t row : rows) list.push_back({{"row", row}, {"sha256", hashes.at(row)}});
  return list;
}

Json read_certificate(const fs::path& folder) {
  Json json = read_json(folder / kCertificateFile);
  for (const char* key :
       {"excluded_rows", "remaining_rows_sha256", "config_sha256", "weights_sha256", "files_sha256",
        "start_step", "start_checkpoint", "model_sha256", "program"}) {
    if (json.is_object() && json.contains(key)) continue;
    user_error((folder / kCertificateFile).string(), ": has no '", key,
               "'; it is not of unlearn remove");
  }
  return json;
}

bool rows_differ(const RunConfig& config, const Json& certificate) {
  const data::Split rows = training_rows(config);
  const auto hashes = data::row_hashes(rows, "data.train");
  const auto excluded = certificate["excluded_rows"].get<std::vector<int64_t>>();
  const bool remaining =
      rows_sha256(hashes, excluded) != certificate["remaining_rows_sha256"].get<std::string>();
  report_line("remaining rows", cat(remaining ? "CHANGED: " : "unchanged: ", rows.file.string()),
              remaining);
  TrainingRows recorded;
  recorded.set(excluded);
  const bool settings = config.left_out.exclude != recorded.exclude;
  report_line("excluded rows",
              settings ? "CHANGED: config.resolved.yaml excludes others" : "unchanged", settings);
  return remaining || settings;
}

bool start_differs(const RunConfig& config, const Json& certificate) {
  bool differs =
      compare_file("original model", certificate["model_sha256"], config.model.path, model_sha256);
  const Json& start = certificate["start_checkpoint"];
  if (start.is_null()) return differs;
  const fs::path folder = start.at("folder").get<std::string>();
  // It proves nothing that training from the original model does not.
  if (!fs::exists(folder)) {
    report_line("start", cat("gone: ", folder.string(), "; --retrain needs none"), false);
    return differs;
  }
  return compare_file("start", start.at("sha256"), folder, checkpoint_sha256) || differs;
}

bool weights_differ(const fs::path& run, const Json& recorded, const std::string& what) {
  const Json found = weight_files(run);
  bool differs = false;
  for (const auto& [name, hash] : recorded.items()) {
    const bool same = found.contains(name) && found[name] == hash;
    const bool missing = !found.contains(name);
    differs |= report_line(cat(what, name),
                           same      ? "the same"
                           : missing ? "missing"
                                     : "DIFFERS",
                           !same);
  }
  return differs;
}

// Trains again beside the folder and compares.
bool replay_differs(const VerifyRequest& request, const Json& certificate, bool from_start) {
  const char* ending = from_start ? ".retrained" : ".replayed";
  const fs::path output = (request.folder.lexically_normal() / "").parent_path().string() + ending;
  RunConfig config = recorded_config(request.folder, output);
  if (!config.train.stops()) {
    config.eval.at_end = false;
    config.eval.every = "never";
  }
  config.train.save_every = "never";
  Removal removal = *removal_of(train::RunFolder::for_reading(request.folder));
  if (from_start) {
    removal.start_step = 0;
    removal.checkpoint.clear();
    removal.start_sha256 = certificate["model_sha256"].get<std::string>();
  }
  const data::Split rows = training_rows(config);
  const Json inputs =
      inputs_of_run(request.folder, rows.file, data::row_hashes(rows, "data.train"));
  seed_replay(
      request.folder, config, removal, inputs,
      fs::exists(output) ? train::ExistingOutput::kOverwrite : train::ExistingOutput::kRefuse);
  const int code = continue_replay(request.folder, output, "unlearn verify");
  if (code != 0) return report_line(output.string(), cat("ended with exit code ", code), true);
  return weights_differ(output, certificate["files_sha256"],
                        cat(from_start ? "retrained " : "replayed "));
}

}  // namespace

void write_certificate(const RunConfig& config, const PreparedRun& run, train::RunFolder& folder) {
  const std::optional<Removal> removal = removal_of(folder);
  const std::optional<data::Exclusion>& exclusion = run.exclusion;
  UNLEARN_CHECK(removal && exclusion, "a certificate is of a removal");
  const fs::path& path = folder.path();
  const Json& record = folder.run_json();
  const Json files = weight_files(path);
  const Json start = removal->checkpoint.empty()
                         ? Json()
                         : Json{{"folder", removal->checkpoint}, {"sha256", removal->start_sha256}};
  const Json certificate = {
      {"shows", kShows},
      {"does_not_show", kDoesNotShow},
      {"excluded_rows", exclusion->rows},
      {"removed_rows", rows_json(removal->removed_rows, exclusion->hashes)},
      {"remaining_rows", exclusion->hashes.size() - exclusion->rows.size()},
      {"remaining_rows_sha256", rows_sha256(exclusion->hashes, exclusion->rows)},
      {"first_use_step", removal->first_use_step},
      {"start_step", removal->start_step},
      {"start_checkpoint", start},
      {"steps", run.plan.total},
      {"run", removal->run},
      {"model", config.model.path},
      {"model_sha256", model_sha256(config.model.path)},
      {"weights_sha256", weights_sha256(files)},
      {"files_sha256", files},
      {"config_sha256", sha256_file(path / "config.resolved.yaml")},
      {"settings", config.fingerprint()},
      {"program",
       {{"version", version_text()},
        {"sha256", program_sha256()},
        {"run_version", removal->run_version}}},
      {"device", record.at("device")},
      {"dtype", record.at("dtype")},
      {"processes", record.at("processes")},
      {"threads", record.at("threads")}};
  folder.write(kCertificateFile,
               certificate.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

bool certificate_differs(const VerifyRequest& request) {
  if (request.replay || request.retrain) at::set_num_threads(1);  // processes may be started
  const Json certificate = read_certificate(request.folder);
  try {
    const RunConfig config = recorded_config(request.folder, request.folder);
    bool differs = compare_file("configuration", certificate["config_sha256"],
                                request.folder / "config.resolved.yaml", sha256_file);
    differs |= rows_differ(config, certificate);
    differs |= start_differs(config, certificate);
    differs |= weights_differ(request.folder, certificate["files_sha256"], "");
    const bool same = certificate["program"].at("sha256") == program_sha256();
    report_line("program", same ? "the same" : "another build than the one that made the run",
                false);
    if (request.replay) differs |= replay_differs(request, certificate, false);
    if (request.retrain) differs |= replay_differs(request, certificate, true);
    return differs;
  } catch (const Json::exception& error) {
    user_error((request.folder / kCertificateFile).string(), ": is not of unlearn remove (",
               error.what(), ")");
  }
}

}  // namespace unlearn::run
