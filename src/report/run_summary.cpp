#include "unlearn/report/run_summary.h"

#include "report/evaluation.h"
#include "report/json_path.h"
#include "unlearn/config/settings.h"
#include "unlearn/core/error.h"

namespace unlearn::report {
namespace fs = std::filesystem;
namespace {

std::string text_of(const Json& record, const char* key, const char* otherwise,
                    const fs::path& file) {
  const auto it = record.find(key);
  if (it == record.end()) return otherwise;
  if (!it->is_string()) user_error(file.string(), ": '", key, "' must be text, not ", it->dump());
  return it->get<std::string>();
}

double number_of(const Json& line, const char* key) {
  const auto it = line.find(key);
  return it != line.end() && it->is_number() ? it->get<double>() : 0.0;
}

void read_curve(const fs::path& file, RunSummary& run) {
  if (!fs::exists(file)) return;
  for_each_json_row(file, [&](int64_t, const Json& line) {
    if (!line.is_object() || !line.contains("step")) user_error("no field 'step'");
    run.has_retain |= line.contains("retain_loss");
    run.curve.push_back(
        {number_of(line, "step"), number_of(line, "forget_loss"), number_of(line, "retain_loss")});
  });
}

// What `unlearn forget` leaves: both sides, and a decision.
void read_verdict(const fs::path& file, RunSummary& run) {
  if (!fs::exists(file)) return;
  const Json verdict = read_json(file);
  if (!at_path(verdict, {"verdict"}).is_string() || !at_path(verdict, {"rows"}).is_array()) {
    user_error(file.string(), ": must be an object with 'verdict' (a text) and 'rows' (a list)");
  }
  OwnVerdict own{
      verdict.at("verdict").get<std::string>(), at_path(verdict, {"reached"}) == Json(true), {}};
  const Json damage = at_path(verdict, {"damage_ok"});
  if (damage.is_boolean()) own.damage_ok = damage.get<bool>();
  run.verdict = std::move(own);
  if (run.after.metrics.empty()) run.after = evaluation_of_verdict(verdict, Side::kAfter);
  run.before = evaluation_of_verdict(verdict, Side::kBefore);
  run.before_source = "measured by the run before training";
}

void find_before(RunSummary& run) {
  if (run.before) return;
  run.before = read_evaluation(run.folder / "eval" / "before");
  if (run.before) {
    run.before_source = "measured by the run before training";
    return;
  }
  const fs::path model = shown_text(at_path(run.record, {"model_folder"}));
  if (model.empty()) return;
  const fs::path maker = model.parent_path();
  if (!fs::exists(maker / "run.json")) return;
  run.before = read_evaluation(maker / "eval");
  if (run.before) run.before_source = cat("evaluation of the run that made it, ", maker.string());
}

}  // namespace

RunSummary read_run_summary(const fs::path& folder) {
  RunSummary run;
  run.folder = folder;
  const fs::path path = fs::absolute(folder).lexically_normal();
  run.name = (path.has_filename() ? path : path.parent_path()).filename().string();
  const auto evaluation = read_evaluation(folder / "eval");
  if (evaluation) run.after = *evaluation;
  if (!fs::exists(folder / "run.json")) {
    if (!evaluation) {
      user_error(folder.string(), ": is no run folder (neither run.json nor eval/*_SUMMARY.json)");
    }
    run.status = "evaluated";
    return run;
  }
  run.record = read_json(folder / "run.json");
  if (!run.record.is_object()) user_error(folder.string(), "/run.json: must be an object");
  run.method = text_of(run.record, "method", "", folder / "run.json");
  run.status = text_of(run.record, "status", "unknown", folder / "run.json");
  run.seconds = number_of(run.record, "seconds");
  if (const fs::path config = folder / "config.resolved.yaml"; fs::exists(config)) {
    const auto settings = config::Settings::from_file(config);
    for (const auto& [key, setting] : settings.values()) {
      run.settings[key] =
          setting.value.is_string() ? setting.value.get<std::string>() : setting.value.dump();
    }
  }
  read_curve(folder / "metrics.jsonl", run);
  read_verdict(folder / "verdict.json", run);
  find_before(run);
  return run;
}

fs::path retain_reference(const RunSummary& run) {
  const auto named = run.settings.find("eval.retain_log");
  if (named == run.settings.end() || named->second.empty()) return {};
  fs::path folder = named->second;
  if (fs::is_regular_file(folder)) folder = folder.parent_path();
  if (folder.filename() == "eval") folder = folder.parent_path();
  return read_evaluation(folder / "eval") ? folder : fs::path();
}

}  // namespace unlearn::report
