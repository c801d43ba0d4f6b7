// What the words of train.master and train.recompute mean.
#pragma once

#include <string>

#include "unlearn/kernels/adamw.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::train {

// "auto" is decided by the memory plan; where nobody planned, it is the exact mode.
inline kernels::Master parse_master(const std::string& word) {
  return word == "sr"     ? kernels::Master::kStochastic
         : word == "none" ? kernels::Master::kRounded
                          : kernels::Master::kSplit;
}

inline model::Recompute parse_recompute(const std::string& word) {
  return word == "full"        ? model::Recompute::kFull
         : word == "selective" ? model::Recompute::kSelective
                               : model::Recompute::kNone;
}

}  // namespace unlearn::train
