// What a run draws from its data, before any step is made: the stream, its steps' micro-batches,
// and the examples whose reference values they will ask for.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

#include "unlearn/data/packing.h"
#include "unlearn/data/pair_stream.h"
#include "unlearn/train/schedule.h"
#include "unlearn/train/trainer_inputs.h"
#include "unlearn/train/update_rule.h"

namespace unlearn::train {

// 0 where there are none.
int64_t count_rows(const std::vector<data::Example>* examples);

data::PairStreamOptions stream_options(const TrainerInputs& inputs);

// What the model is run on: all tokens but the last.
int64_t input_tokens(const data::Example& example);

using MicroBatch = std::vector<data::PackItem>;

// One optimizer step, shared by the processes of a run. All of them know all of it.
struct StepCut {
  std::vector<MicroBatch> micro_batches;  // in the order of the stream
  std::vector<size_t> shares;             // process r runs micro-batches [shares[r], shares[r + 1])
  size_t next_epoch = 0;  // the first micro-batch of another epoch than the first; their number
  size_t places = 0;      // of the stream; those whose rows are left out are in no micro-batch
  int64_t accumulation =
      0;  // what the sum of micro-batch means is divided by: their number, mostly

  // An epoch that ends before micro-batch `before` of the step, and what is reported to the loss.
  struct EpochEnd {
    size_t before = 0;
    std::vector<double> means;
    double epoch = 0;
  };
  std::optional<EpochEnd> epoch_end = {};

  size_t begin_of(int64_t process) const { return shares[static_cast<size_t>(process)]; }
  size_t end_of(int64_t process) const { return shares[static_cast<size_t>(process) + 1]; }
  // Whether there are processes with nothing to do. The first one is none of them.
  bool leaves_idle() const {
    return std::adjacent_find(shares.begin(), shares.end()) != shares.end();
  }
};

// Whether examples of this role are run for these terms.
bool belongs_to(data::Role role, Terms terms);
// The same step with the examples of these terms alone.
StepCut examples_of(const StepCut& cut, Terms terms);

// The step as the run's config cuts it. With averaging: exact each process gets a row of items with
// about as many tokens, which is then cut for itself; with micro_batch_mean the micro-batches are
// those of a single process. Where there are fewer than processes, the last ones get none.
//
// `next_epoch`: the item before which a micro-batch must end because an epoch does, where it is
// micro-batches that are averaged; 0: none.
StepCut cut_items(const TrainerInputs& inputs, torch::Device device, int64_t processes,
                  const std::vector<data::PairItem>& items, size_t next_epoch = 0);

// Which of a step's items is the first of another epoch, where micro-batches end with the epoch
// (step_count: trainer); 0: none.
size_t epoch_break(const StepPlan& plan, int64_t rows, int64_t step);

// UserError when a step has fewer places than processes. One with as many may leave processes idle
// where rows are left out.
void check_shares(const TrainConfig& config, const StepCut& cut);

// Visits the run's first `most` steps; the inputs need no model.
void for_each_step(const TrainerInputs& inputs, torch::Device device, int64_t processes,
                   int64_t most, const std::function<void(const StepCut&)>& visit);

}  // namespace unlearn::train
