// What a model will take, from its config alone: parameters, and what its backward pass keeps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "unlearn/model/causal_lm.h"
#include "unlearn/model/lora.h"

namespace unlearn::model {

// LoRA, and the format of its frozen base (null: the model's dtype).
struct Adaptation {
  LoraOptions lora;
  const WeightFormat* base_format = nullptr;
};

struct ModelFootprint {
  // What is trained (name, elements; tied weights once), and what is frozen: elements in the
  // model's dtype, and bytes of packed matrices.
  std::vector<std::pair<std::string, int64_t>> trained;
  int64_t frozen = 0;
  int64_t packed_bytes = 0;
  // Elements of the largest packed matrix, which is unpacked whenever it is used.
  int64_t unpacked = 0;
  bool trains_head = true;
  ModelDims dims;
  // Elements per token that one block keeps for its backward pass: all of them, and those of the
  // attention half alone (with its input), which stay under Recompute::kSelective.
  int64_t block = 0;
  int64_t attention = 0;
  int64_t mlp_width = 0;

  int64_t trained_count() const;
  int64_t parameter_count = 0;  // of the model without LoRA
  // Elements per token kept over all blocks, with what the block being computed again holds.
  int64_t kept(Recompute recompute) const;
  // Only parameters whose whole name matches one of the regular expressions are trained after all.
  void train_only(const std::vector<std::string>& patterns);
};

ModelFootprint model_footprint(const Json& hf_config,
                               const std::optional<Adaptation>& adaptation = {});

}  // namespace unlearn::model
