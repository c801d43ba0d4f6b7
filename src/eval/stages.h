// The stages of execute(): each fills its part of the results from the store or the model.
#pragma once

#include "eval/result_store.h"
#include "unlearn/eval/execute.h"

namespace unlearn::eval {

struct StageContext {
  const ModelProvider& model;
  const ExecuteOptions& options;
  ResultStore& store;
};

void run_scores(const Plan& plan, const StageContext& context, Results& results);
void run_generations(const Plan& plan, const StageContext& context, Results& results);
void run_choices(const Plan& plan, const StageContext& context, Results& results);
void run_gradients(const Plan& plan, const StageContext& context, Results& results);
void run_divergences(const Plan& plan, const StageContext& context, Results& results);

void report_progress(const StageContext& context, const char* stage, size_t done, size_t total);

}  // namespace unlearn::eval
