// unlearn eval: all metrics of a benchmark, of one model or of several side by side.
#include <iostream>

#include "commands/commands.h"
#include "commands/shared_flags.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/run/device.h"
#include "unlearn/run/eval_targets.h"
#include "unlearn/run/prepare.h"
#include "unlearn/train/signals.h"

namespace unlearn::commands {
namespace {

struct EvalFlags {
  std::string benchmark, retain_log, adapter;
  std::vector<std::string> runs, models;  // model folders and run folders
};

// The settings of this target: its run's own config unless another one is given.
run::RunConfig target_config(SharedFlags shared, const EvalFlags& flags,
                             const run::EvalTarget* target) {
  if (shared.config.empty() && target != nullptr) shared.config = target->run_config.string();
  config::Settings settings = user_settings(shared, {});
  if (!flags.benchmark.empty()) settings.set("data.benchmark", flags.benchmark, "--benchmark");
  if (!flags.retain_log.empty()) settings.set("eval.retain_log", flags.retain_log, "--retain-log");
  if (!flags.adapter.empty()) settings.set("model.adapter", flags.adapter, "--adapter");
  if (shared.seed) settings.set("eval.seed", *shared.seed, "--seed");
  run::set_evaluated_split(settings);
  return run::resolve_evaluation(settings);
}

// Of a training config, the model that its run made, or else the one it names.
std::string folder_of_config(const SharedFlags& shared, const EvalFlags& flags) {
  const run::RunConfig config = target_config(shared, flags, nullptr);
  const bool has_run =
      shared.output.empty() && !config.output.empty() && run::is_run_folder(config.output);
  const std::string folder = has_run ? config.output : config.model.path;
  if (folder.empty()) user_error("no model: give --model DIR, a run folder, or --config FILE");
  log::info("evaluating ", folder);
  return folder;
}

void print_table(const std::vector<run::EvalTarget>& targets,
                 const std::vector<eval::Outcome>& outcomes,
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
  cli::Flags app("all metrics of a benchmark, of one model or several", "eval",
                 "unlearn eval runs/simnpo runs/npo --data DIR --retain-log runs/retain");
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
  if (flags.models.empty()) flags.models.push_back(folder_of_config(shared, flags));

  const auto targets =
      run::eval_targets(flags.models, {.adapter = flags.adapter, .output = shared.output});
  std::vector<run::RunConfig> configs;
  for (const run::EvalTarget& target : targets) {
    configs.push_back(target_config(shared, flags, &target));
  }
  std::vector<run::Evaluator> evaluators;
  for (size_t i = 0; i < targets.size(); ++i) {
    const run::EvaluatedModel evaluated =
        run::evaluated_model(targets[i], configs[i], flags.adapter);
    run::check_model(evaluated.folder, configs[i].model.strict);
    evaluators.emplace_back(configs[i], evaluated, run::resolve_device(configs[i].device));
    evaluators.back().check_output(targets[i].output / "eval");
    const std::string plan = evaluators.back().plan_summary();  // every input is checked first
    if (shared.dry_run) std::cout << targets[i].name << ": " << plan << "\n";
  }
  if (shared.dry_run) return 0;
  train::SignalWatch::ignore_outside();
  std::vector<eval::Outcome> outcomes;
  for (size_t i = 0; i < targets.size(); ++i) {
    const std::filesystem::path folder = targets[i].output / "eval";
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
