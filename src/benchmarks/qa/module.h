// The parts of this benchmark that benchmark.cpp puts together.
#pragma once

#include "unlearn/benchmarks/benchmark.h"

namespace unlearn::benchmarks::qa {

data::Layout layout();
std::unique_ptr<eval::BenchmarkEvaluation> make_evaluation(const eval::EvaluationInputs& inputs);
// Rows without turns before their question.
std::optional<eval::Questions> audit_questions(const eval::EvaluationInputs& inputs);

}  // namespace unlearn::benchmarks::qa
