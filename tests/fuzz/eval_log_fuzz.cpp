// A stored evaluation, also as the retained model's, as far as no benchmark is needed to read it.
#include "fuzz.h"
#include "unlearn/metrics/eval_log.h"
#include "unlearn/metrics/stored_metrics.h"

FUZZ_TARGET(eval_log) {
  namespace metrics = unlearn::metrics;
  const auto report =
      metrics::read_eval_report(unlearn::fuzz::scratch_file("TOFU_EVAL.json", input));
  for (const auto* retain : {static_cast<const metrics::EvalReport*>(nullptr), &report}) {
    unlearn::fuzz::attempt([&] {
      metrics::Evaluation evaluation;
      metrics::add_stored_metrics(report, "log", retain, "retain log", evaluation);
      metrics::eval_json(evaluation.metrics)
          .dump(-1, ' ', false, unlearn::Json::error_handler_t::replace);
    });
  }
}
