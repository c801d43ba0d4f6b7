// The functions that the lines of optimizers.def name.
#pragma once

#include "unlearn/train/optimizer.h"

namespace unlearn::train {

#define OPTIMIZER(name) Registered<Optimizer> optimizer_##name();
#include "train/optim/optimizers.def"
#undef OPTIMIZER

}  // namespace unlearn::train
