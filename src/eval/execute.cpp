#include "unlearn/eval/execute.h"

#include "eval/stages.h"

namespace unlearn::eval {

void report_progress(const StageContext& context, const char* stage, size_t done, size_t total) {
  if (!context.options.progress) return;
  context.options.progress(stage, static_cast<int64_t>(done), static_cast<int64_t>(total));
}

Results execute(const Plan& plan, const ModelProvider& model, const ExecuteOptions& options) {
  Results results;
  if (plan.empty()) return results;
  ResultStore store(options.cache);
  const StageContext context{model, options, store};
  run_scores(plan, context, results);
  run_choices(plan, context, results);
  run_gradients(plan, context, results);
  run_divergences(plan, context, results);
  run_generations(plan, context, results);
  return results;
}

}  // namespace unlearn::eval
