#include "unlearn/run/eval_targets.h"

#include <algorithm>
#include <set>

#include "run/method_settings.h"
#include "unlearn/core/error.h"
#include "unlearn/eval/tasks.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

std::string folder_name(fs::path folder) {
  folder = fs::absolute(folder).lexically_normal();
  if (folder.filename().empty()) folder = folder.parent_path();
  // "runs/simnpo/model" is better known as simnpo.
  if (folder.filename() == "model" || folder.filename() == "adapter") folder = folder.parent_path();
  return folder.filename().string();
}

bool holds_model(const fs::path& folder) { return fs::exists(folder / "config.json"); }
bool holds_adapter(const fs::path& folder) { return fs::exists(folder / "adapter_config.json"); }

EvalTarget target_of(const std::string& folder) {
  EvalTarget target{folder_name(folder), folder, "", "", ""};
  fs::path run;
  if (is_run_folder(folder)) {
    run = folder;
    target.model = run / "model";
    if (!holds_model(target.model)) target.adapter = run / "adapter";
  } else if (const fs::path parent = fs::path(folder).lexically_normal().parent_path();
             fs::exists(parent / "run.json")) {
    run = parent;
    if (holds_adapter(folder)) target.adapter = folder;
  } else if (holds_adapter(folder)) {
    user_error(folder, " holds an adapter, not a model; give --model BASE --adapter ", folder);
  }
  if (!target.adapter.empty()) target.model.clear();
  if (!run.empty()) {
    target.output = run;
    if (fs::exists(run / "config.resolved.yaml")) target.run_config = run / "config.resolved.yaml";
  } else {
    target.output = fs::path("runs") / ("eval-" + target.name);
  }
  return target;
}

// An adapter makes another model of the one given: with a name and results of its own.
void rename_for_adapter(const std::string& adapter, std::vector<EvalTarget>& targets) {
  if (targets.size() != 1) user_error("--adapter: goes with one model, not ", targets.size());
  EvalTarget& target = targets.front();
  if (!target.adapter.empty()) {
    user_error("--adapter: ", target.name, " is an adapter itself; give the model it belongs to");
  }
  target.name = folder_name(adapter);
  target.output = fs::path("runs") / ("eval-" + target.name);
}

}  // namespace

bool is_run_folder(const fs::path& folder) {
  if (holds_model(folder)) return false;
  return holds_model(folder / "model") ||
         (holds_adapter(folder / "adapter") && fs::exists(folder / "config.resolved.yaml"));
}

std::vector<EvalTarget> eval_targets(const std::vector<std::string>& folders,
                                     const TargetOptions& options) {
  std::vector<EvalTarget> targets;
  for (const std::string& folder : folders) targets.push_back(target_of(folder));
  if (!options.adapter.empty()) rename_for_adapter(options.adapter, targets);
  if (!options.output.empty()) {
    for (EvalTarget& target : targets) {
      const fs::path output = options.output;
      target.output = targets.size() == 1 ? output : output / target.name;
    }
  }
  std::set<fs::path> outputs;
  for (const EvalTarget& target : targets) {
    if (!outputs.insert(target.output.lexically_normal()).second) {
      user_error("two models would write to ", target.output.string(),
                 "; give their run folders, or evaluate them one by one with --output");
    }
  }
  return targets;
}

EvaluatedModel evaluated_model(const EvalTarget& target, const RunConfig& config,
                               const std::string& adapter) {
  if (!target.adapter.empty()) return adapter_of_run(config, target.adapter);
  // What a run's own config has as its adapter is in the model that the run wrote.
  const bool is_run = !target.run_config.empty();
  return {target.model, "", is_run ? adapter : config.model.adapter};
}

namespace {

// Tasks are named, and no benchmark.
bool wants_tasks_alone(const config::Settings& user) {
  if (user.contains("data.benchmark") || user.contains("data.root")) return false;
  const auto& tasks = eval::tasks::registered_tasks();
  return std::any_of(tasks.begin(), tasks.end(), [&](const eval::tasks::Task& task) {
    return user.contains("eval.tasks." + task.name);
  });
}

}  // namespace

void set_evaluated_split(config::Settings& user) {
  if (wants_tasks_alone(user)) user.set("data.benchmark", "tasks", "eval.tasks");
  const benchmarks::Benchmark* benchmark = benchmarks::find_benchmark(
      text_setting(user, "data.benchmark", benchmarks::DataSection().benchmark));
  if (benchmark != nullptr && benchmark->evaluated_forget && !user.contains("data.forget")) {
    user.set("data.forget", *benchmark->evaluated_forget, "default");
  }
}

}  // namespace unlearn::run
