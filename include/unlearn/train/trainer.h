// The training loop: pair stream -> packed micro-batches -> token scores -> loss sums -> the update
// rule's gradient -> one optimizer step, with metrics, checkpoints that resume to the bit, and a
// clean stop on signals. Several processes share the examples of a step and the optimizer's state;
// every mean is over all of them, so that their number changes results by summation order only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/core/json.h"
#include "unlearn/data/pair_stream.h"
#include "unlearn/losses/loss.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/train/checkpoint.h"
#include "unlearn/train/optimizer.h"
#include "unlearn/train/run_folder.h"
#include "unlearn/train/schedule.h"
#include "unlearn/train/train_config.h"
#include "unlearn/train/trainer_inputs.h"
#include "unlearn/train/update_rule.h"

namespace unlearn::train {

// One optimizer step as metrics.jsonl records it. Raw term values, before their weights.
struct StepRecord {
  int64_t step = 0;  // counted from 1
  double epoch = 0;
  double loss = 0;                                    // NaN of a step whose rows are all left out
  std::vector<std::pair<std::string, double>> terms;  // "forget", "retain" -> mean
  std::vector<std::pair<std::string, double>> diagnostics;  // "w", … -> mean
  double lr = 0;
  double grad_norm = 0;  // before clipping
  std::vector<int64_t> forget_rows, retain_rows;
  int64_t tokens = 0;
  double seconds = 0;
  // First step only, not in metrics.jsonl: see StepMeans::forget_logprob.
  std::optional<double> forget_logprob = std::nullopt;

  Json to_json() const;
};

// The argument of Loss::start, which comes before everything else here.
losses::ModelFacts model_facts(const model::ModelDims& dims, const TrainConfig& config);

// What the loop does after a step. To keep a state is to save a checkpoint of it, whatever
// train.save_every says.
enum class AfterStep : uint8_t { kContinue, kStop, kKeep, kKeepAndStop };
inline bool stops(AfterStep wish) {
  return wish == AfterStep::kStop || wish == AfterStep::kKeepAndStop;
}
inline bool keeps(AfterStep wish) {
  return wish == AfterStep::kKeep || wish == AfterStep::kKeepAndStop;
}

// Hooks into the loop; all optional.
struct TrainerHooks {
  std::function<void(const StepRecord&, int64_t total_steps)> on_step = nullptr;
  // After a step and its checkpoint, e.g. evaluation every N steps. Set on all processes of the
  // group or on none; when one of them says kStop, training ends on all as after its last step.
  std::function<AfterStep(int64_t step)> after_step = nullptr;
  // The step whose checkpoint is not to be deleted, however old it is. Asked of the first process.
  std::function<std::optional<int64_t>()> kept_step = nullptr;
};

class FreeGradients;
class GradientExchange;
struct StepCut;

class Trainer {
 public:
  Trainer(TrainerInputs inputs, RunFolder& folder, TrainerHooks hooks = {});
  ~Trainer();

  // Continues from a complete checkpoint. UserError when it belongs to other settings.
  void resume_from(int64_t checkpoint_step);
  // The same from a checkpoint in another folder.
  void resume_from(const CheckpointPlace& place);
  // Trains to the end. NonFiniteError before the update of a bad step; Interrupted after a signal.
  void run();

  const StepPlan& plan() const { return plan_; }
  int64_t step() const { return step_; }

 private:
  torch::Device device() const;
  StepRecord do_step();
  // Epochs done before a position of the stream, as reported to the loss.
  double epochs_before(int64_t position) const;
  // The terms' means over the epoch that ends at a position.
  std::vector<double> means_of_epoch(int64_t end) const;
  // Fills in an epoch that ends inside the step, at this position.
  void end_epoch_inside(StepCut& cut, int64_t end) const;
  // At the end of an epoch, for losses that ask for its means.
  void observe_epoch();
  // A step all of whose rows are left out: it counts, and nothing is changed by it.
  void pass_empty_step(StepRecord& record, int64_t epoch_end);
  void save_checkpoint();
  // What the processes of the group together want after a step.
  AfterStep ask_after_step() const;
  // What the method keeps across steps (RMU's vector, PDU's dual variable), for the reader.
  void save_method_state() const;
  void update_weights(StepRecord& record);

  TrainerInputs inputs_;
  RunFolder& folder_;
  TrainerHooks hooks_;
  StepPlan plan_;
  data::PairStream stream_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<UpdateRule> update_;
  CheckpointWriter checkpoints_;
  std::unique_ptr<GradientExchange> exchange_;     // null: no other processes
  std::unique_ptr<FreeGradients> free_gradients_;  // null: all gradients are kept until the update
  int64_t step_ = 0;
};

}  // namespace unlearn::train
