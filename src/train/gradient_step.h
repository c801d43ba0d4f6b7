// Forward and backward passes of one optimizer step.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "train/run_stream.h"
#include "train/step_sums.h"
#include "unlearn/losses/loss.h"
#include "unlearn/train/update_rule.h"

namespace unlearn::train {

struct StepMeans {
  double loss = 0;
  std::vector<std::pair<std::string, double>> terms;
  std::vector<std::pair<std::string, double>> diagnostics;
  int64_t tokens = 0;
  // Of the first step: log-probability per label token of its forget rows, before any update;
  // absent where the loss does not read it.
  std::optional<double> forget_logprob;
};

// The loss of one optimizer step's examples. Passes accumulate the gradients of this process's
// share of it into the parameters' .grad; NonFiniteError names step, term and rows when a term's
// sum is not finite. `epochs` counts the passes over the forget rows done before, and before the
// micro-batches from cut.next_epoch on.
class StepExamplesLoss : public StepLoss {
 public:
  StepExamplesLoss(const TrainerInputs& inputs, const StepCut& cut, int64_t step,
                   std::pair<double, double> epochs);

  void add_gradient(const TermPass& pass) override;
  bool has(Terms terms) const override;
  double retain_weight() const override;
  // After the recorded passes: the means of the whole step, which the loss observes.
  StepMeans finish();

 private:
  bool is_run(const losses::Term& term, const TermPass& pass) const {
    return belongs_to(term.role, pass.terms);
  }
  model::StepPosition first_position(const StepCut& part, Terms terms) const;
  void end_epoch(bool is_over);
  void share_statistics(const StepCut& part, Terms terms);
  void run_micro_batch(const MicroBatch& items, size_t batch, const TermPass& pass,
                       model::StepPosition& position);
  void record(const MicroBatch& items, size_t batch, const TermPass& pass,
              const std::vector<torch::Tensor>& sums, const losses::LossInputs& scores);

  const TrainerInputs& inputs_;
  const StepCut& cut_;
  int64_t step_;
  std::pair<double, double> epochs_;
  bool exact_;
  losses::Needs needs_;
  std::vector<losses::Term> terms_;
  Denominators denominators_;
  bool epoch_ended_;
  StepMeans means_;
  Totals diagnostics_;
  Totals known_;              // what is known of the forget rows before the first update
  bool is_observed_ = false;  // micro-batch by micro-batch
};

// The terms' means over all of these examples, without gradient and in evaluation mode; with
// averaging: micro_batch_mean, the mean of their micro-batches' means.
std::vector<double> evaluate_terms(const TrainerInputs& inputs, const StepCut& cut);

}  // namespace unlearn::train
