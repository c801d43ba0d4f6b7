// Optimizers for tests, without a trainer.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "unlearn/train/optimizer.h"

namespace unlearn::train {

// The registry's first, on these parameters.
inline std::unique_ptr<Optimizer> start_default_optimizer(
    NamedTensors parameters, const OptimizerOptions& options,
    const std::function<bool(const std::string&)>& is_decayed, int64_t part = 0,
    int64_t parts = 1) {
  auto optimizer = optimizers().front().make();
  optimizer->start({std::move(parameters), optimizer->shards(), part, parts}, options, is_decayed);
  return optimizer;
}

}  // namespace unlearn::train
