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

// As what and where a model runs.
struct Execution {
  torch::Dtype dtype = torch::kFloat32;
  bool on_cpu = true;
};

// Bytes that a backward pass needs: per token, and per query and key of one sequence (where
// attention's scores are kept).
struct Kept {
  int64_t token = 0;
  int64_t pair = 0;

  Kept& operator+=(const Kept& other) {
    token += other.token;
    pair += other.pair;
    return *this;
  }
  friend Kept operator+(Kept a, const Kept& b) { return a += b; }
  friend Kept operator*(int64_t times, const Kept& one) {
    return {times * one.token, times * one.pair};
  }
  // The larger of each.
  static Kept most(const Kept& a, const Kept& b) {
    return {a.token > b.token ? a.token : b.token, a.pair > b.pair ? a.pair : b.pair};
  }
};

struct ModelFootprint {
  // What is trained (name, sizes; tied weights once), and what is frozen: elements in the model's
  // dtype, and bytes of packed matrices.
  std::vector<std::pair<std::string, std::vector<int64_t>>> trained;
  int64_t frozen = 0;
  int64_t packed_bytes = 0;
  // Elements of the largest packed matrix, which is unpacked whenever it is used.
  int64_t unpacked = 0;
  bool trains_head = true;
  ModelDims dims;
  // What all blocks keep for their backward passes, without recomputation and under
  // Recompute::kSelective, and their inputs alone.
  Kept all, selective, inputs;
  // Of the block that needs most: what it keeps, the part of it that selective recomputation makes
  // again, and what its backward pass takes besides while it runs.
  Kept block, recomputed, work;

  int64_t trained_count() const;
  int64_t parameter_count = 0;  // of the model without LoRA
  // Over all blocks, with what the block being recomputed holds.
  Kept kept(Recompute recompute) const;
  // Only parameters whose whole name matches one of the regular expressions are trained after all.
  void train_only(const std::vector<std::string>& patterns);
};

ModelFootprint model_footprint(const Json& hf_config,
                               const std::optional<Adaptation>& adaptation = {},
                               const Execution& execution = {});

}  // namespace unlearn::model
