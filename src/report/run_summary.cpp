#include "unlearn/report/run_summary.h"

#include <algorithm>

#include "unlearn/config/settings.h"
#include "unlearn/core/error.h"

namespace unlearn::report {
namespace fs = std::filesystem;
namespace {

std::string plain_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

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

void read_answers(const Json& eval, RunSummary& run) {
  const auto metric = eval.find("forget_Q_A_ROUGE");
  if (metric == eval.end() || !metric->is_object() || !metric->contains("value_by_index")) return;
  for (const auto& [index, row] : metric->at("value_by_index").items()) {
    if (!row.is_object() || !row.contains("generation")) continue;
    run.answers.push_back({plain_text(row.value("input", Json(""))),
                           plain_text(row.value("ground_truth", Json(""))),
                           plain_text(row.at("generation"))});
  }
}

void read_summary(const fs::path& file, RunSummary& run) {
  const Json summary = read_json(file);
  if (!summary.is_object()) user_error(file.string(), ": must be an object of metric: number");
  for (const auto& [name, value] : summary.items()) {
    if (!value.is_null() && !value.is_number()) {
      user_error(file.string(), ": '", name, "' must be a number or null, not ", value.dump());
    }
    run.metrics[name] = value.is_null() ? std::nullopt : std::optional(value.get<double>());
  }
}

void read_evaluation(const fs::path& folder, RunSummary& run) {
  if (!fs::is_directory(folder)) return;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    const std::string name = file.filename().string();
    if (name.ends_with("_SUMMARY.json")) read_summary(file, run);
    if (name.ends_with("_EVAL.json")) read_answers(read_json(file), run);
  }
}

}  // namespace

std::optional<double> RunSummary::metric(const std::string& metric_name) const {
  const auto it = metrics.find(metric_name);
  return it == metrics.end() ? std::nullopt : it->second;
}

RunSummary read_run_summary(const fs::path& folder) {
  RunSummary run;
  run.folder = folder;
  const fs::path path = fs::absolute(folder).lexically_normal();
  run.name = (path.has_filename() ? path : path.parent_path()).filename().string();
  read_evaluation(folder / "eval", run);
  if (!fs::exists(folder / "run.json")) {
    if (run.metrics.empty()) {
      user_error(folder.string(), ": is no run folder (neither run.json nor eval/*_SUMMARY.json)");
    }
    run.status = "evaluated";
    return run;
  }
  const Json json = read_json(folder / "run.json");
  if (!json.is_object()) user_error(folder.string(), "/run.json: must be an object");
  run.method = text_of(json, "method", "", folder / "run.json");
  run.status = text_of(json, "status", "unknown", folder / "run.json");
  run.seconds = number_of(json, "seconds");
  if (const fs::path config = folder / "config.resolved.yaml"; fs::exists(config)) {
    const auto settings = config::Settings::from_file(config);
    for (const auto& [key, setting] : settings.values()) {
      run.settings[key] = plain_text(setting.value);
    }
  }
  read_curve(folder / "metrics.jsonl", run);
  return run;
}

}  // namespace unlearn::report
