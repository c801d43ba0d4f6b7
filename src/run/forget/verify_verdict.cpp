#include "run/forget/verify_verdict.h"

#include <cmath>

#include "run/forget/measure.h"
#include "run/forget/verdict_files.h"
#include "run/verify_lines.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/manifest.h"
#include "unlearn/eval/own_data.h"
#include "unlearn/run/device.h"
#include "unlearn/run/forget.h"
#include "unlearn/run/prepare.h"
#include "unlearn/run/weights.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

namespace own = metrics::own_data;

// A model that is loaded again, maybe merged from an adapter, says almost the same.
constexpr double kTolerance = 1e-3;

Json read_verdict(const fs::path& folder) {
  const fs::path file = folder / kVerdictFile;
  Json verdict = read_json(file);
  const auto has = [&](const char* outer, const char* inner) {
    return verdict.is_object() && verdict.contains(outer) && verdict[outer].is_object() &&
           verdict[outer].contains(inner);
  };
  if (!has("sha256", "result") || !has("settings", "files")) {
    user_error(file.string(), ": names no hashes and files; it is not of unlearn forget");
  }
  return verdict;
}

bool compare_hashes(const fs::path& folder, const Json& verdict) {
  const Json& recorded = verdict["sha256"];
  const Json& files = verdict["settings"]["files"];
  const auto path = [&](const char* name) {
    const Json& file = files.at(name);
    return file.is_string() ? fs::path(file.get<std::string>()) : fs::path();
  };
  bool differs = compare_file("model before", recorded.at("model"), path("model"), model_sha256);
  differs |= compare_file("forget rows", recorded.at("forget"), path("forget"), sha256_file);
  differs |= compare_file("retain rows", recorded.at("retain"), path("retain"), sha256_file);
  differs |= compare_file("model after", recorded.at("result"), folder / "model", model_sha256);
  // Whoever edits the verdict does not edit what the run noted of it.
  const auto manifest = Manifest::read(folder);
  for (const char* name : {kVerdictFile, kVerdictPage}) {
    const bool is_own = manifest && manifest->is_own(folder, name);
    differs |= report_line(name, is_own ? "as the run wrote it" : "CHANGED since the run wrote it",
                           !is_own);
  }
  const bool same = recorded.at("program") == program_sha256();
  // Another build may well say the same.
  report_line("program", same ? "the same" : "another build than the one that made the run", false);
  return differs;
}

own::Targets recorded_targets(const Json& settings) {
  own::Targets targets;
  targets.auc = settings.at("target_auc").get<double>();
  targets.max_damage = settings.at("max_damage").get<double>();
  return targets;
}

// The figures of a verdict that are compared, by name.
std::vector<std::pair<std::string, Json>> figures_of(const Json& verdict) {
  std::vector<std::pair<std::string, Json>> figures;
  for (const char* key : {"auc_after", "extracted_after", "extracted_in_other_words",
                          "extracted_when_begun", "extracted_in_samples", "mean_logprob_after"}) {
    figures.emplace_back(cat("forget.", key), verdict.at("forget").value(key, Json()));
  }
  figures.emplace_back("cross_leaks", verdict.at("cross_leaks"));
  for (const char* part : {"seen", "held_out", "general_text"}) {
    figures.emplace_back(cat("retain.", part, ".mean_logprob_after"),
                         verdict.at("retain").at(part).at("mean_logprob_after"));
  }
  return figures;
}

bool is_close(const Json& a, const Json& b) {
  if (!a.is_number() || !b.is_number()) return a == b;
  const double x = a.get<double>(), y = b.get<double>();
  return std::abs(x - y) <= kTolerance * std::max(1.0, std::abs(x));
}

// The saved model, asked as the run asked it.
own::Measured measure_again(const VerifyRequest& request, const Json& settings) {
  const char* origin = "unlearn verify";
  config::Settings again = config::Settings::from_file(request.folder / "config.resolved.yaml");
  again.begin_layer();
  again.set("model.path", (request.folder / "model").string(), origin);
  again.set("model.adapter", "", origin);
  again.set("train.lora.rank", 0, origin);
  again.set("device", request.device, origin);
  const Json& files = settings.at("files");
  again.set("data.forget", files.at("forget"), origin);
  if (files.at("retain").is_string()) again.set("data.retain", files.at("retain"), origin);
  const RunConfig config = resolve_evaluation(again);
  const torch::Device device = resolve_device(config.device);
  const Json& base = settings.at("base");
  OwnMeasurements measurements(again, base.is_string() ? base.get<std::string>() : "", device);
  const PreparedRun run = prepare_model(config, device);
  const auto model = load_model(config, run);
  return measurements.everything(*model);
}

bool compare_measures(const VerifyRequest& request, const Json& verdict) {
  const fs::path before = request.folder / "eval" / kBeforeFolder / eval::own_data::kMeasuredFile;
  const own::Measured was = own::measured_from_json(read_json(before), before.string());
  const Json& settings = verdict["settings"];
  const own::Measured now = measure_again(request, settings);
  const own::Verdict again = own::judge(own::evidence_of(was, now), recorded_targets(settings), {});
  bool differs = false;
  const auto recorded = figures_of(verdict);
  const auto found = figures_of(again.json);
  for (size_t i = 0; i < recorded.size(); ++i) {
    const auto& [name, value] = recorded[i];
    const bool same = is_close(value, found[i].second);
    differs |= report_line(name,
                           cat(same ? "the same, " : "DIFFERS: ", value.dump(),
                               same ? "" : cat(", now ", found[i].second.dump())),
                           !same);
  }
  return differs;
}

}  // namespace

bool verdict_differs(const VerifyRequest& request) {
  const Json verdict = read_verdict(request.folder);
  try {
    const bool differs = compare_hashes(request.folder, verdict);
    return request.measure ? compare_measures(request, verdict) || differs : differs;
  } catch (const Json::exception& error) {
    user_error((request.folder / kVerdictFile).string(), ": is not of unlearn forget (",
               error.what(), ")");
  }
}

}  // namespace unlearn::run
