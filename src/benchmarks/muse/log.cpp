#include "benchmarks/muse/aggregates.h"
#include "unlearn/core/error.h"
#include "unlearn/metrics/mia.h"
#include "unlearn/metrics/stored_metrics.h"

namespace unlearn::benchmarks::muse {

metrics::Evaluation evaluate_muse_log(const metrics::EvalReport& log, const std::string& source,
                                      const metrics::EvalReport* retain,
                                      const std::string& retain_source, const std::string& corpus) {
  metrics::Evaluation result;
  const bool by_constants = retain == nullptr && !corpus.empty() && log.contains("mia_min_k");
  metrics::add_stored_metrics(log, source, retain, retain_source, result);
  if (!by_constants) return result;
  const auto reference = muse_retrained_auc(corpus, "Min-40%");
  if (!reference) user_error("corpus '", corpus, "' has no published AUC; use news or books");
  const auto auc = result.metrics["mia_min_k"].value;
  if (auc) {
    result.metrics["privleak"].value = metrics::privleak_muse(1 - *auc, *reference);
    std::erase_if(result.warnings,
                  [](const std::string& line) { return line.starts_with("privleak "); });
  }
  return result;
}

metrics::EvalReport read_muse_log(const std::filesystem::path& path) {
  metrics::EvalReport report;
  const Json json = metrics::read_log_json(path);
  if (json.is_object() && json.contains("eval_log_forget.json")) {
    user_error(path.string(), ": a TOFU log; a MUSE log has forget_knowmem_ROUGE");
  }
  report = metrics::parse_eval_report(json, path.string());
  for (const auto& [name, metric] : report) {
    if (name.find("knowmem") != std::string::npos || name.find("verbmem") != std::string::npos) {
      return report;
    }
  }
  user_error(path.string(), ": no MUSE log; it has '", report.begin()->first,
             "' where forget_knowmem_ROUGE or forget_verbmem_ROUGE would be right");
}

}  // namespace unlearn::benchmarks::muse
