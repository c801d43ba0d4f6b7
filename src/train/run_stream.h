// What a run draws from its data, before any step is made: the stream, its steps' micro-batches,
// and the examples whose reference values they will ask for.
#pragma once

#include "unlearn/train/trainer.h"

namespace unlearn::train {

// 0 where there are none.
int64_t count_rows(const std::vector<data::Example>* examples);

data::PairStreamOptions stream_options(const TrainerInputs& inputs);

}  // namespace unlearn::train
