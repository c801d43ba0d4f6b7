// Forward and backward passes of one optimizer step.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "unlearn/data/packing.h"
#include "unlearn/data/pair_stream.h"
#include "unlearn/train/trainer.h"

namespace unlearn::train {

// All sequences of one stream item; they stay together so that pairwise losses see both sides.
struct ItemGroup {
  std::vector<data::PackItem> items;
  int64_t tokens = 0;  // input tokens
};

std::vector<ItemGroup> group_items(const std::vector<data::PairItem>& items,
                                   const TrainingData& data);

// Cuts the groups of a step into micro-batches: by token budget, or by a fixed number of groups.
std::vector<std::vector<data::PackItem>> cut_step(const std::vector<ItemGroup>& groups,
                                                  int64_t batch_tokens,
                                                  std::optional<int64_t> groups_per_batch);

// The micro-batches of one step's items, as the run's config cuts them.
std::vector<std::vector<data::PackItem>> cut_items(const TrainerInputs& inputs,
                                                   torch::Device device,
                                                   const std::vector<data::PairItem>& items);

// Visits the micro-batches of the run's first `most` steps; the inputs need no model.
void for_each_step(
    const TrainerInputs& inputs, torch::Device device, int64_t most,
    const std::function<void(const std::vector<std::vector<data::PackItem>>&)>& visit);

// Accumulates the gradients of the whole step into the parameters' .grad and returns its means.
// `epoch` counts the passes over the forget rows done before. NonFiniteError names step, term and
// rows when a term's sum is not finite.
struct StepMeans {
  double loss = 0;
  std::vector<std::pair<std::string, double>> terms;
  std::vector<std::pair<std::string, double>> diagnostics;
  int64_t tokens = 0;
};
StepMeans accumulate_gradients(const TrainerInputs& inputs,
                               const std::vector<std::vector<data::PackItem>>& micro_batches,
                               int64_t step, double epoch);

// The terms' means over these micro-batches, without gradient and in evaluation mode.
std::vector<double> evaluate_terms(const TrainerInputs& inputs,
                                   const std::vector<std::vector<data::PackItem>>& micro_batches);

}  // namespace unlearn::train
