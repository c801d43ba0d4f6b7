#include "train/optim/optimizers.h"

namespace unlearn::train {

const std::vector<Registered<Optimizer>>& optimizers() {
  static const std::vector<Registered<Optimizer>> all = {
#define OPTIMIZER(name) optimizer_##name(),
#include "train/optim/optimizers.def"
#undef OPTIMIZER
  };
  return all;
}

}  // namespace unlearn::train
