#include "unlearn/eval/execute.h"

#include "eval/stages.h"

namespace unlearn::eval {

Results execute(const Plan& asked, const ModelProvider& model, const ExecuteOptions& options) {
  Results results;
  if (asked.empty()) return results;
  ResultStore store(options.cache);
  const Plan plan = options.masked_token ? asked.with_masked_token(*options.masked_token) : asked;
  const StageContext context{model, options, store};
  run_requests<ScoreRequest>(plan, context, results);
  run_requests<ChoiceRequest>(plan, context, results);
  run_requests<GradientRequest>(plan, context, results);
  run_requests<DivergenceRequest>(plan, context, results);
  run_requests<GenerationRequest>(plan, context, results);
  return results;
}

}  // namespace unlearn::eval
