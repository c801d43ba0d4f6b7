// MUSE (arXiv 2407.06460).
#include "benchmarks/muse/aggregates.h"
#include "benchmarks/muse/module.h"

namespace unlearn::benchmarks::muse {
namespace {

data::Pairing default_pairing(const data::DataConfig& config) {
  return config.chunking == data::Chunking::kPublished ? data::Pairing::kByRow
                                                       : data::Pairing::kRandom;
}

Recomputed recompute(const StoredLogs& logs) {
  const auto read = [](const std::string& name, const char* option) {
    return read_muse_log(metrics::eval_log_file(name, kFilePrefix, option));
  };
  const metrics::EvalReport log = read(logs.log, "--log");
  std::optional<metrics::EvalReport> retain;
  if (!logs.retain_log.empty()) retain = read(logs.retain_log, "--retain-log");
  return {
      evaluate_muse_log(log, logs.log, retain ? &*retain : nullptr, logs.retain_log, logs.corpus)};
}

}  // namespace

Benchmark make_benchmark() {
  return {.info = {"muse",
                   "MUSE: news articles and books (arXiv 2407.06460); news, books",
                   {"news", "books"}},
          .layout = layout(),
          .default_pairing = default_pairing,
          .make_evaluation = make_evaluation,
          .offer = offer,
          .evaluated_forget = "",  // data belong to a corpus, which the folder says
          .recompute = recompute,
          .audit = audit_support(),
          .file_prefix = kFilePrefix};
}

}  // namespace unlearn::benchmarks::muse
