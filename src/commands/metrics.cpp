// unlearn metrics: every aggregate again from stored evaluation logs; no model is needed.
#include <cmath>
#include <iomanip>
#include <iostream>

#include "commands/cli.h"
#include "commands/output.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/core/manifest.h"
#include "unlearn/eval/evaluation.h"
#include "unlearn/metrics/muse.h"
#include "unlearn/metrics/tofu_summary.h"
#include "unlearn/metrics/wmdp.h"

namespace unlearn::commands {
namespace {

struct MetricsFlags {
  std::string benchmark, log, retain_log, output;
  std::string truth_ratio = "loss_mean", formula = "auto", corpus;
  bool as_json = false;
};

struct Recomputed {
  metrics::Evaluation evaluation;
  metrics::NamedValues legacy;  // the TOFU repository's names
};

// Both may be a run folder, as eval.retain_log.
std::filesystem::path own_log(const MetricsFlags& flags, const char* benchmark) {
  return metrics::eval_log_file(flags.log, benchmark, "--log");
}
std::filesystem::path retain_log(const MetricsFlags& flags, const char* benchmark) {
  return metrics::eval_log_file(flags.retain_log, benchmark, "--retain-log");
}

Recomputed recompute_tofu(const MetricsFlags& flags) {
  const metrics::TofuLog log = metrics::read_tofu_log(own_log(flags, "TOFU"));
  std::optional<metrics::TofuLog> retain;
  if (!flags.retain_log.empty()) retain = metrics::read_tofu_log(retain_log(flags, "TOFU"));
  metrics::TofuEvaluationOptions options;
  if (flags.truth_ratio == "prob_mean") options.false_answers = metrics::FalseAnswers::kProbMean;
  if (flags.formula == "legacy") options.formula = metrics::Formula::kLegacy;
  if (flags.formula == "open_unlearning") options.formula = metrics::Formula::kOpenUnlearning;
  const metrics::TofuLog* other = retain ? &*retain : nullptr;
  return {metrics::evaluate_tofu(log, other, options),
          metrics::legacy_aggregates(log, other, options.false_answers)};
}

Recomputed recompute_muse(const MetricsFlags& flags) {
  const metrics::EvalReport log = metrics::read_muse_log(own_log(flags, "MUSE"));
  std::optional<metrics::EvalReport> retain;
  if (!flags.retain_log.empty()) retain = metrics::read_muse_log(retain_log(flags, "MUSE"));
  return {metrics::evaluate_muse_log(log, flags.log, retain ? &*retain : nullptr, flags.retain_log,
                                     flags.corpus),
          {}};
}

Recomputed recompute_wmdp(const MetricsFlags& flags) {
  if (!flags.retain_log.empty()) {
    user_error("metrics: --retain-log: wmdp compares with no retrained model");
  }
  return {metrics::evaluate_wmdp_log(metrics::read_wmdp_log(own_log(flags, "WMDP")), flags.log),
          {}};
}

struct LogReader {
  const char* benchmark;
  const char* file_prefix;
  Recomputed (*recompute)(const MetricsFlags&);
};
constexpr LogReader kLogReaders[] = {{"tofu", "TOFU", recompute_tofu},
                                     {"muse", "MUSE", recompute_muse},
                                     {"wmdp", "WMDP", recompute_wmdp}};

const LogReader& find_reader(const MetricsFlags& flags) {
  std::vector<std::string> names;
  for (const LogReader& reader : kLogReaders) {
    if (flags.benchmark == reader.benchmark) return reader;
    names.emplace_back(reader.benchmark);
  }
  user_error("metrics: unknown benchmark '", flags.benchmark, "'",
             did_you_mean(flags.benchmark, names), "; use ", join(names, ", "));
}

constexpr const char* kLegacyFiles[] = {"aggregate_stat.txt", "aggregate_stat.csv"};

// Nothing of others is replaced, and no log that is read.
void check_output(const MetricsFlags& flags, const LogReader& reader, const OwnFolder& output) {
  std::vector<std::string> names = eval::eval_file_names(reader.file_prefix);
  names.insert(names.end(), std::begin(kLegacyFiles), std::end(kLegacyFiles));
  for (const std::string& name : names) {
    check_not_input("--output", (output.path() / name).string(),
                    {{"--log", flags.log}, {"--retain-log", flags.retain_log}});
  }
  output.check_free(names);
}

bool is_number(const std::optional<double>& value) { return value && std::isfinite(*value); }

void print_values(const Recomputed& result) {
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
  Flags app("every aggregate again from stored evaluation logs", "metrics");
  app.add_option("benchmark", flags.benchmark, "tofu, muse or wmdp").required();
  app.add_option(
         "--log", flags.log,
         "eval_log_aggregated.json (TOFU) or <BENCHMARK>_EVAL.json (OpenUnlearning), or a run "
         "folder")
      .required();
  app.add_option("--retain-log", flags.retain_log,
                 "the retrained model's log, in either form, or its run folder");
  app.add_option("--truth-ratio", flags.truth_ratio, "loss_mean or prob_mean (tofu)")
      .one_of({"loss_mean", "prob_mean"});
  app.add_option("--formula", flags.formula, "auto (the log's own), legacy or open_unlearning")
      .one_of({"auto", "legacy", "open_unlearning"});
  app.add_option("--corpus", flags.corpus, "news or books: MUSE's published retrained AUCs")
      .one_of({"news", "books"});
  app.add_option("--output", flags.output, "folder for <BENCHMARK>_EVAL.json and _SUMMARY.json");
  app.add_flag("--json", flags.as_json, "print one JSON object");
  add_log_flags(app, shared);
  if (!parse(app, std::move(arguments), shared)) return 0;

  const LogReader& reader = find_reader(flags);
  OwnFolder output{flags.output};
  if (!flags.output.empty()) check_output(flags, reader, output);
  const Recomputed result = reader.recompute(flags);
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
    const std::vector<std::string> names = eval::eval_file_names(reader.file_prefix);
    output.claim(names);
    metrics::write_eval_files(output.path(), reader.file_prefix, result.evaluation.metrics);
    for (const std::string& name : names) output.record(name);
    if (!result.legacy.empty()) {
      output.write(kLegacyFiles[0], metrics::aggregate_stat_text(result.legacy));
      output.write(kLegacyFiles[1], metrics::aggregate_stat_csv(result.legacy));
    }
  }
  return 0;
}

}  // namespace unlearn::commands
