// TOFU (arXiv 2401.06121).
#include "benchmarks/tofu/module.h"
#include "benchmarks/tofu/summary.h"

namespace unlearn::benchmarks::tofu {
namespace {

Recomputed recompute(const StoredLogs& logs) {
  const auto file = [](const std::string& name, const char* option) {
    return metrics::eval_log_file(name, kFilePrefix, option);
  };
  const TofuLog log = read_tofu_log(file(logs.log, "--log"));
  std::optional<TofuLog> retain;
  if (!logs.retain_log.empty()) retain = read_tofu_log(file(logs.retain_log, "--retain-log"));
  TofuEvaluationOptions options;
  options.false_answers = logs.truth_ratio;
  options.formula = logs.formula;
  const TofuLog* other = retain ? &*retain : nullptr;
  Recomputed result{evaluate_tofu(log, other, options)};
  result.legacy = legacy_aggregates(log, other, options.false_answers);
  result.texts = {{"aggregate_stat.txt", aggregate_stat_text(result.legacy)},
                  {"aggregate_stat.csv", aggregate_stat_csv(result.legacy)}};
  return result;
}

}  // namespace

Benchmark make_benchmark() {
  return {.info = {"tofu",
                   "TOFU: fictitious authors (arXiv 2401.06121); forget01, forget05, forget10",
                   {"forget05", "forget10"}},
          .layout = layout(),
          .reads_template = true,
          .make_evaluation = make_evaluation,
          .offer = offer,
          .recompute = recompute,
          .audit = audit_support(),
          .file_prefix = kFilePrefix};
}

}  // namespace unlearn::benchmarks::tofu
