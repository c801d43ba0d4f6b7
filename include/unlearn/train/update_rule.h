// How the gradient of a step is made. Every rule is one file in src/train/update/ and one line in
// updates.def; nothing outside its file knows its name. Everything between the step's examples and
// the optimizer's step is the rule's: it may run the loss's terms apart, any number of times, at
// the weights as they are or at moved ones. What it leaves is clipped and given to the optimizer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "unlearn/config/fields.h"
#include "unlearn/distributed/group.h"
#include "unlearn/train/choice.h"
#include "unlearn/train/optimizer.h"

namespace unlearn::losses {
class Loss;
}

namespace unlearn::train {

class GradientExchange;
class StepWeights;
struct TrainConfig;

// Terms of the loss that one pass runs, by the role of their examples. Refusals and other answers
// belong to the forget terms.
enum class Terms { kAll, kForget, kRetain };

// Each term times its coefficient, or the plain sum.
enum class Coefficients { kApplied, kLeftOut };

// One pass over the examples of the step that its terms read.
struct TermPass {
  Terms terms = Terms::kAll;
  Coefficients coefficients = Coefficients::kApplied;
  // Whether the terms' values are the step's: once for each term, at the weights before the step.
  bool is_recorded = true;
  // Set where gradients are complete when the pass ends: their sum over the processes may begin
  // while its last backward pass makes them.
  StepWeights* summed_by = nullptr;
};

// The step's loss, as a function of the weights as they are when it is asked.
class StepLoss {
 public:
  virtual ~StepLoss() = default;
  // Forward and backward: adds the gradient to .grad, this process's share of it.
  virtual void add_gradient(const TermPass& pass) = 0;
  // Whether the loss has such terms.
  virtual bool has(Terms terms) const = 0;
  // The retain term's coefficient in the loss now.
  virtual double retain_weight() const = 0;
};

// The trained weights and their gradients while a step is made. Each process sees and changes the
// elements it owns.
class StepWeights {
 public:
  // `exchange` is null where there are no other processes.
  StepWeights(const Optimizer& optimizer, GradientExchange* exchange,
              const distributed::Group& group, int64_t step);

  const ShardedParameters& parameters() const { return optimizer_.parameters(); }
  // The number of the step, from 1.
  int64_t step() const { return step_; }

  // Before the last backward pass of a sum (TermPass::summed_by).
  void begin_sum();
  // After it, before the processes exchange anything else.
  void send_rest();
  // Afterwards the own gradients are those of all processes together. Nothing can be added then.
  void sum_gradients() const;
  // The same, and passes that follow add to it.
  void sum_gradients_so_far() const;
  void clear_gradients() const { parameters().clear_gradients(); }
  // L2 norm of summed gradients over all processes.
  double gradient_norm() const;
  // Of all processes.
  std::vector<double> sum(const std::vector<double>& values) const {
    return group_.all_reduce(values);
  }

  // fp32 (or wider) values of own elements, from the optimizer's master where it has one.
  torch::Tensor master(size_t parameter, int64_t begin, int64_t size) const;
  // After own weights were changed: gives them to the others.
  void share() const;

 private:
  const Optimizer& optimizer_;
  GradientExchange* exchange_;
  const distributed::Group& group_;
  int64_t step_;
};

// What a rule asks of a run; decides what it goes together with, and its memory.
struct UpdateNeeds {
  bool several_passes = false;  // runs terms apart or more than once
  bool forget = false;          // the loss must have such terms
  bool retain = false;
};

class UpdateRule {
 public:
  virtual ~UpdateRule() = default;

  // Its own settings, which stand beside its name in `train.update`.
  virtual void visit(config::FieldVisitor&) {}
  virtual UpdateNeeds needs() const { return {}; }
  // Bytes it keeps for one tensor in all processes together (for memory plans).
  virtual int64_t kept_bytes(int64_t /*elements*/, torch::Dtype) const { return 0; }
  // Before the first step.
  virtual void start(const ShardedParameters&, uint64_t /*seed*/) {}
  // Leaves the step's gradient, summed over the processes, in the own elements of .grad, and the
  // weights as they were.
  virtual void make_gradient(StepLoss& loss, StepWeights& weights) = 0;
  // What it keeps between steps.
  virtual std::vector<StatePart> state() const { return {}; }
};

const std::vector<Registered<UpdateRule>>& updates();

// UserError, naming both settings, for what train.update does not go together with.
void check_update(const TrainConfig& config, const losses::Loss& loss);

}  // namespace unlearn::train
