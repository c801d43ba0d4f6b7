// What a model will take, from its config alone: parameters, and what its backward pass keeps.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "unlearn/model/causal_lm.h"

namespace unlearn::model {

struct ModelFootprint {
  std::vector<std::pair<std::string, int64_t>> parameters;  // name, elements; tied weights once
  ModelDims dims;
  // Elements per token that one block keeps for its backward pass: all of them, and those of the
  // attention half alone (with its input), which stay under Recompute::kSelective.
  int64_t block = 0;
  int64_t attention = 0;
  int64_t mlp_width = 0;

  int64_t parameter_count() const;
  // Elements per token kept over all blocks, with what the block being computed again holds.
  int64_t kept(Recompute recompute) const;
};

ModelFootprint model_footprint(const Json& hf_config);

}  // namespace unlearn::model
