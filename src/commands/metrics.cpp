// unlearn metrics: every aggregate again from stored evaluation logs; no model is needed.
#include <cmath>
#include <iomanip>
#include <iostream>

#include "commands/commands.h"
#include "commands/shared_flags.h"
#include "unlearn/benchmarks/benchmark.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/core/manifest.h"
#include "unlearn/eval/evaluation.h"
#include "unlearn/run/output.h"

namespace unlearn::commands {
namespace {

struct MetricsFlags {
  std::string benchmark, output;
  benchmarks::StoredLogs logs;
  std::string truth_ratio = "loss_mean";
  std::string formula = "auto";
  bool as_json = false;
};

// Of --formula.
constexpr config::Named<std::optional<eval::TofuFormula>> kLogFormulas[] = {
    {std::nullopt, "auto"},
    {eval::TofuFormula::kLegacy, "legacy"},
    {eval::TofuFormula::kOpenUnlearning, "open_unlearning"}};

const benchmarks::Benchmark& find_reader(const std::string& name) {
  std::vector<std::string> names;
  for (const benchmarks::Benchmark& benchmark : benchmarks::registered_benchmarks()) {
    if (benchmark.recompute == nullptr) continue;
    if (name == benchmark.info.name) return benchmark;
    names.push_back(benchmark.info.name);
  }
  user_error("metrics: unknown benchmark '", name, "'", did_you_mean(name, names), "; use ",
             join(names, ", "));
}

std::vector<std::string> written_names(const benchmarks::Benchmark& benchmark,
                                       const benchmarks::Recomputed& result) {
  std::vector<std::string> names = eval::eval_file_names(benchmark.file_prefix);
  for (const auto& item : result.texts) names.push_back(item.first);
  return names;
}

// Nothing of others is replaced, and no log that is read.
void check_output(const MetricsFlags& flags, const std::vector<std::string>& names,
                  const OwnFolder& output) {
  for (const std::string& name : names) {
    run::check_not_input("--output", (output.path() / name).string(),
                         {{"--log", flags.logs.log}, {"--retain-log", flags.logs.retain_log}});
  }
  output.check_free(names);
}

bool is_number(const std::optional<double>& value) { return value && std::isfinite(*value); }

void print_values(const benchmarks::Recomputed& result) {
  constexpr int kDigits = 15;
  const auto print = [](const std::string& name, const std::optional<double>& value) {
    std::cout << std::left << std::setw(28) << name
              << (is_number(value) ? number(*value, kDigits) : "null") << "\n";
  };
  for (const auto& [name, metric] : result.evaluation.metrics) print(name, metric.value);
  if (!result.legacy.empty()) std::cout << "\n";
  for (const auto& [name, value] : result.legacy) print(name, value);
}

}  // namespace

int run_metrics(std::vector<std::string> arguments) {
  SharedFlags shared;
  MetricsFlags flags;
  cli::Flags app("every aggregate again from stored evaluation logs", "metrics",
                 "unlearn metrics tofu --log runs/simnpo/eval/TOFU_EVAL.json");
  app.add_option("benchmark", flags.benchmark, "tofu, muse or wmdp").required();
  app.add_option(
         "--log", flags.logs.log,
         "eval_log_aggregated.json (TOFU) or <BENCHMARK>_EVAL.json (OpenUnlearning), or a run "
         "folder")
      .required();
  app.add_option("--retain-log", flags.logs.retain_log,
                 "the retrained model's log, in either form, or its run folder");
  app.add_option("--truth-ratio", flags.truth_ratio, "loss_mean or prob_mean (tofu)")
      .one_of(config::names_in(eval::kFalseAnswers));
  app.add_option("--formula", flags.formula, "auto (the log's own), legacy or open_unlearning")
      .one_of(config::names_in(kLogFormulas));
  app.add_option("--corpus", flags.logs.corpus, "news or books: MUSE's published retrained AUCs")
      .one_of({"news", "books"});
  app.add_option("--output", flags.output, "folder for <BENCHMARK>_EVAL.json and _SUMMARY.json");
  app.add_flag("--json", flags.as_json, "print one JSON object");
  add_log_flags(app, shared);
  if (!parse(app, std::move(arguments), shared)) return 0;

  flags.logs.truth_ratio = config::value_in(eval::kFalseAnswers, flags.truth_ratio);
  flags.logs.formula = config::value_in(kLogFormulas, flags.formula);
  const benchmarks::Benchmark& benchmark = find_reader(flags.benchmark);
  const benchmarks::Recomputed result = benchmark.recompute(flags.logs);
  OwnFolder output{flags.output};
  if (!flags.output.empty()) check_output(flags, written_names(benchmark, result), output);
  for (const std::string& warning : result.evaluation.warnings) log::warn(warning);
  if (flags.as_json) {
    Json json = metrics::summary_json(result.evaluation.metrics);
    for (const auto& [name, value] : result.legacy)
      json[name] = is_number(value) ? Json(*value) : Json();
    std::cout << json.dump(2) << "\n";
  } else {
    print_values(result);
  }
  if (!flags.output.empty()) {
    const std::vector<std::string> names = eval::eval_file_names(benchmark.file_prefix);
    output.claim(names);
    metrics::write_eval_files(output.path(), benchmark.file_prefix, result.evaluation.metrics);
    for (const std::string& name : names) output.record(name);
    for (const auto& [name, text] : result.texts) output.write(name, text);
  }
  return 0;
}

}  // namespace unlearn::commands
