// unlearn eval: all metrics of a benchmark, of one model or of several side by side.
#include <iostream>
#include <set>

#include "commands/device.h"
#include "commands/evaluate.h"
#include "commands/method_settings.h"
#include "commands/session.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"

namespace unlearn::commands {
namespace {
namespace fs = std::filesystem;

struct EvalFlags {
  std::string benchmark, retain_log, adapter;
  std::vector<std::string> runs, models;  // model folders and run folders
};

// One model to evaluate.
struct EvalTarget {
  std::string name;     // column of the table
  fs::path model;       // Hugging Face folder; empty: `adapter` beside the run's starting model
  fs::path adapter;     // of a LoRA run that wrote no merged model
  fs::path output;      // its results go to <output>/eval
  fs::path run_config;  // config.resolved.yaml of its run, if it is one
};

std::string folder_name(fs::path folder) {
  folder = fs::absolute(folder).lexically_normal();
  if (folder.filename().empty()) folder = folder.parent_path();
  // "runs/simnpo/model" is better known as simnpo.
  if (folder.filename() == "model" || folder.filename() == "adapter") folder = folder.parent_path();
  return folder.filename().string();
}

bool holds_model(const fs::path& folder) { return fs::exists(folder / "config.json"); }
bool holds_adapter(const fs::path& folder) { return fs::exists(folder / "adapter_config.json"); }

bool is_run_folder(const fs::path& folder) {
  if (holds_model(folder)) return false;
  return holds_model(folder / "model") ||
         (holds_adapter(folder / "adapter") && fs::exists(folder / "config.resolved.yaml"));
}

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

// What is said for this target: its run's own config unless another one is given.
RunConfig target_config(const SharedFlags& shared, const EvalFlags& flags,
                        const EvalTarget* target) {
  SharedFlags own = shared;
  if (own.config.empty() && target != nullptr) own.config = target->run_config.string();
  config::Settings settings = user_settings(own, {});
  if (!flags.benchmark.empty()) settings.set("data.benchmark", flags.benchmark, "--benchmark");
  if (!flags.retain_log.empty()) settings.set("eval.retain_log", flags.retain_log, "--retain-log");
  if (!flags.adapter.empty()) settings.set("model.adapter", flags.adapter, "--adapter");
  if (shared.seed) settings.set("eval.seed", *shared.seed, "--seed");
  const benchmarks::Benchmark* benchmark = benchmarks::find_benchmark(
      text_setting(settings, "data.benchmark", benchmarks::DataSection().benchmark));
  if (benchmark != nullptr && benchmark->evaluated_forget && !settings.contains("data.forget")) {
    settings.set("data.forget", *benchmark->evaluated_forget, "default");
  }
  return resolve_evaluation(settings);
}

// The weights behind a target.
EvaluatedModel evaluated_model(const EvalFlags& flags, const EvalTarget& target,
                               const RunConfig& config) {
  if (!target.adapter.empty()) return adapter_of_run(config, target.adapter);
  // What a run's own config says of an adapter is in the model that the run wrote.
  const bool is_run = !target.run_config.empty();
  return {target.model, "", is_run ? flags.adapter : config.model.adapter};
}

// --adapter makes another model of the one given: with a name and results of its own.
void rename_for_adapter(const std::string& adapter, std::vector<EvalTarget>& targets) {
  if (targets.size() != 1) user_error("--adapter: goes with one model, not ", targets.size());
  EvalTarget& target = targets.front();
  if (!target.adapter.empty()) {
    user_error("--adapter: ", target.name, " is an adapter itself; give the model it belongs to");
  }
  target.name = folder_name(adapter);
  target.output = fs::path("runs") / ("eval-" + target.name);
}

std::vector<EvalTarget> find_targets(const SharedFlags& shared, const EvalFlags& flags) {
  std::vector<EvalTarget> targets;
  if (flags.models.empty()) {
    // A training config: the model that its run made, or else the one it names.
    const RunConfig config = target_config(shared, flags, nullptr);
    const bool has_run =
        shared.output.empty() && !config.output.empty() && is_run_folder(config.output);
    const std::string folder = has_run ? config.output : config.model.path;
    if (folder.empty()) user_error("no model: give --model DIR, a run folder, or --config FILE");
    targets.push_back(target_of(folder));
    log::info("evaluating ", folder);
  }
  for (const std::string& folder : flags.models) targets.push_back(target_of(folder));
  if (!flags.adapter.empty()) rename_for_adapter(flags.adapter, targets);
  if (!shared.output.empty()) {
    for (EvalTarget& target : targets) {
      target.output =
          targets.size() == 1 ? fs::path(shared.output) : fs::path(shared.output) / target.name;
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

void print_table(const std::vector<EvalTarget>& targets, const std::vector<eval::Outcome>& outcomes,
                 const std::vector<std::string>& headline) {
  std::vector<eval::NamedOutcome> columns;
  for (size_t i = 0; i < targets.size(); ++i) {
    columns.push_back({targets[i].name, &outcomes[i].evaluation.metrics});
  }
  std::cout << eval::comparison_table(columns, headline);
}

}  // namespace

int run_eval(std::vector<std::string> arguments) {
  SharedFlags shared;
  EvalFlags flags;
  Flags app("all metrics of a benchmark, of one model or several", "eval");
  app.add_option("runs", flags.runs, "run folders or model folders, compared in one table");
  app.add_option("--model", flags.models, "the same (repeatable)");
  app.add_option("--benchmark", flags.benchmark, "tofu, … (data.benchmark)");
  app.add_option("--retain-log", flags.retain_log,
                 "log or run folder of the retrained model (eval.retain_log)");
  app.add_option("--adapter", flags.adapter,
                 "LoRA adapter folder (PEFT's format) beside the model (model.adapter)");
  app.add_option("--seed", shared.seed, "seed of sampled generations (eval.seed)");
  app.add_option("--output", shared.output, "folder that gets eval/ (default: the run folder)");
  add_config_flags(app, shared);
  if (!parse(app, std::move(arguments), shared)) return 0;
  flags.models.insert(flags.models.begin(), flags.runs.begin(), flags.runs.end());

  const std::vector<EvalTarget> targets = find_targets(shared, flags);
  std::vector<RunConfig> configs;
  for (const EvalTarget& target : targets) configs.push_back(target_config(shared, flags, &target));
  std::vector<Evaluator> evaluators;
  for (size_t i = 0; i < targets.size(); ++i) {
    const EvaluatedModel evaluated = evaluated_model(flags, targets[i], configs[i]);
    check_model(evaluated.folder, configs[i].model.strict);
    evaluators.emplace_back(configs[i], evaluated, resolve_device(configs[i].device));
    evaluators.back().check_output(targets[i].output / "eval");
    const std::string plan = evaluators.back().plan_summary();  // every input is checked first
    if (shared.dry_run) std::cout << targets[i].name << ": " << plan << "\n";
  }
  if (shared.dry_run) return 0;
  std::vector<eval::Outcome> outcomes;
  for (size_t i = 0; i < targets.size(); ++i) {
    const fs::path folder = targets[i].output / "eval";
    outcomes.push_back(evaluators[i].evaluate_folder(folder));
    for (const std::string& warning : outcomes.back().evaluation.warnings) {
      log::warn(targets.size() == 1 ? "" : targets[i].name + ": ", warning);
    }
    log::info("results: ", folder.string());
  }
  print_table(targets, outcomes, evaluators.front().headline());
  return 0;
}

}  // namespace unlearn::commands
