// The parts of this benchmark that benchmark.cpp puts together.
#pragma once

#include "unlearn/benchmarks/benchmark.h"

namespace unlearn::benchmarks::wmdp {

inline constexpr const char* kFilePrefix = "WMDP";  // of the evaluation's files

data::Layout layout();
eval::MetricOffer offer(const eval::EvalConfig& config);
std::unique_ptr<eval::BenchmarkEvaluation> make_evaluation(const eval::EvaluationInputs& inputs);
AuditSupport audit_support();

}  // namespace unlearn::benchmarks::wmdp
