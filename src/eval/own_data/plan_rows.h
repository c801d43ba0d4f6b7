// The requests of an evaluation of own data, and Measured from their answers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/own_data/asking.h"
#include "unlearn/eval/plan.h"
#include "unlearn/eval/selection.h"
#include "unlearn/metrics/own_data/measured.h"

namespace unlearn::eval::own_data {

// What is wanted of the rows.
struct Wanted {
  bool preference = false;  // also log-probabilities
  bool outputs = false;     // greedy, in the row's and in other words
  bool samples = false;
  bool damage = false;
  bool retain_outputs = false;
  static Wanted of(const MetricSelection& selection);
};

// Rows of the retain set that are measured: indices into seen and held_out.
struct RetainChoice {
  std::vector<size_t> seen, held_out;
};
// A seeded choice of at most `most` of each.
RetainChoice choose_retain(const OwnRows& rows, int64_t most);

class RowPlans {
 public:
  RowPlans(const EvaluationInputs& inputs, const OwnRows& rows, Wanted wanted);

  // Adds the requests; `base` (may be null) is the model before it learnt the rows.
  void plan(Plan& own, Plan* base);
  // `base` are the answers to the second plan's requests.
  metrics::own_data::Measured measured(const Results& own, const Results& base) const;

  const Asker& asker() const { return asker_; }
  const RetainChoice& retain() const { return retain_; }

 private:
  struct Asked {
    metrics::own_data::OtherOutput prompt;  // without an output
    GenerationId id;
  };
  struct RowPlan {
    std::optional<ScoreId> own, base;
    std::vector<ScoreId> others;
    std::optional<GenerationId> output;
    std::vector<Asked> asked;
    std::vector<GenerationId> samples;
  };

  void plan_scores(Plan& own, Plan* base);
  void plan_outputs(Plan& own);
  void plan_damage(Plan& own);
  void plan_other_words(const data::QaRow& row, Plan& own, RowPlan& item) const;
  metrics::own_data::MeasuredRow measured_row(size_t index, const Results& own,
                                              const Results& base) const;

  const EvaluationInputs& inputs_;
  const OwnRows& rows_;
  Wanted wanted_;
  Asker asker_;
  RetainChoice retain_;
  GenerationLimits limits_;
  std::vector<RowPlan> plans_;
  std::vector<ScoreId> seen_, held_out_, neighbours_, general_;
  std::vector<GenerationId> retain_outputs_;
};

}  // namespace unlearn::eval::own_data
