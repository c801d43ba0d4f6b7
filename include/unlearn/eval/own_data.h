// The evaluation of people's own rows (benchmarks qa and text): docs/own-data.md. What it measures
// of one model is one side of a verdict (metrics/own_data/measured.h).
#pragma once

#include <memory>
#include <vector>

#include "unlearn/data/rows.h"
#include "unlearn/data/template.h"
#include "unlearn/eval/evaluation.h"
#include "unlearn/eval/selection.h"

namespace unlearn::eval::own_data {

inline constexpr const char* kFilePrefix = "OWN";  // of the evaluation's files
// In the eval folder: Measured of the model.
inline constexpr const char* kMeasuredFile = "own_measured.json";

// The rows as a benchmark reads them from its files.
struct OwnRows {
  std::vector<data::QaRow> forget;
  // Of the retain file those that are trained on, and those that are not (data.hold_out).
  std::vector<data::QaRow> seen = {}, held_out = {};
  std::vector<data::QaRow> non_members = {};  // of eval.holdout; none: the held-out rows are taken
  data::Template prompt_template = {};
  // Rows are beginnings of texts with what follows: they have no end of their own, and are asked in
  // no other words.
  bool is_text = false;
};
using RowsReader = OwnRows (*)(const EvaluationInputs& inputs);

MetricOffer offer(const EvalConfig& config);
std::unique_ptr<BenchmarkEvaluation> make_evaluation(const EvaluationInputs& inputs,
                                                     RowsReader read);

}  // namespace unlearn::eval::own_data
