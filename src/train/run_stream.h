// What a run draws from its data, before any step is made: the stream, its steps' micro-batches,
// and the examples whose reference values they will ask for.
#pragma once

#include <functional>
#include <vector>

#include "unlearn/data/packing.h"
#include "unlearn/data/pair_stream.h"
#include "unlearn/train/trainer.h"

namespace unlearn::train {

// 0 where there are none.
int64_t count_rows(const std::vector<data::Example>* examples);

data::PairStreamOptions stream_options(const TrainerInputs& inputs);

// What the model is run on: all tokens but the last.
int64_t input_tokens(const data::Example& example);

// The micro-batches of one step's items, as the run's config cuts them.
std::vector<std::vector<data::PackItem>> cut_items(const TrainerInputs& inputs,
                                                   torch::Device device,
                                                   const std::vector<data::PairItem>& items);

// Visits the micro-batches of the run's first `most` steps; the inputs need no model.
void for_each_step(
    const TrainerInputs& inputs, torch::Device device, int64_t most,
    const std::function<void(const std::vector<std::vector<data::PackItem>>&)>& visit);

}  // namespace unlearn::train
