// How much of what was asked a cache answered.
#pragma once

#include <cstdint>

namespace unlearn::eval {

struct RequestCounts {
  int64_t asked = 0;  // requests of all plans: texts to score, prompts to answer
  // Those that a model was run for. Batches are run whole, so that after a kill some are run again
  // that the cache had.
  int64_t run = 0;
};

// Of all calls of execute() in this process.
RequestCounts request_counts();

}  // namespace unlearn::eval
