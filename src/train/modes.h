// What the words of train.master and train.recompute mean.
#pragma once

#include <string>

#include "unlearn/model/causal_lm.h"
#include "unlearn/train/optimizer.h"
#include "unlearn/train/train_config.h"

namespace unlearn::train {

inline Master parse_master(const std::string& word) {
  return word == "sr" ? Master::kStochastic : word == "none" ? Master::kRounded : Master::kSplit;
}

// "auto" is decided by the memory plan; where nobody planned, it is the first mode.
inline OptimizerOptions optimizer_options(const TrainConfig& config, const Optimizer& optimizer) {
  const OptimizerModes modes = optimizer.modes();
  const std::string& master = config.master == "auto" ? modes.masters.front() : config.master;
  const std::string& bits =
      config.state_bits == "auto" ? modes.state_bits.front() : config.state_bits;
  return {.weight_decay = config.weight_decay,
          .master = parse_master(master),
          .state_bits = std::stoll(bits),
          .seed = static_cast<uint64_t>(config.seed)};
}

inline model::Recompute parse_recompute(const std::string& word) {
  return word == "full"        ? model::Recompute::kFull
         : word == "selective" ? model::Recompute::kSelective
                               : model::Recompute::kNone;
}

}  // namespace unlearn::train
