// The parts of this benchmark that benchmark.cpp puts together.
#pragma once

#include "unlearn/benchmarks/benchmark.h"
#include "unlearn/data/rows.h"

namespace unlearn::benchmarks::text {

data::Layout layout();
std::unique_ptr<eval::BenchmarkEvaluation> make_evaluation(const eval::EvaluationInputs& inputs);

// A text as beginnings and what follows them: windows of 90 words of which the first third asks
// for the rest; a shorter one at the end counts from six words on.
std::vector<data::QaRow> windows_of(const std::string& text, int64_t row);

}  // namespace unlearn::benchmarks::text
