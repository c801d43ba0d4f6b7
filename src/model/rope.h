// Rotary position embeddings (arXiv 2104.09864) and their scalings, as transformers'
// modeling_rope_utils.py computes them: angles in fp32, whatever the model's dtype.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "unlearn/checkpoint/hf_folder.h"

namespace unlearn::model {

// Cosines and sines of one batch; undefined for models without rotation.
struct RopeTable {
  torch::Tensor cos;  // [T, 1, rotated / 2], the model's dtype
  torch::Tensor sin;
};

class Rope {
 public:
  // Reads rope_type (default, linear, dynamic, llama3, yarn; UserError for others) and its numbers.
  // `partial` is the family's share of a head that is rotated when config.json does not say.
  Rope(const checkpoint::HfConfig& config, int64_t head_dim, double partial = 1.0);

  // `positions` [T]; `lengths` are the sequences' lengths so far (cached and new) and `offsets`
  // their boundaries in the batch. Dynamic NTK scaling stretches the base of a sequence longer than
  // max_position_embeddings by that sequence's own length: a packed batch gives each sequence what
  // transformers gives it alone.
  RopeTable table(const torch::Tensor& positions, const std::vector<int64_t>& offsets,
                  const std::vector<int64_t>& lengths, torch::Dtype dtype) const;

 private:
  torch::Tensor dynamic_frequencies(int64_t length) const;

  int64_t rotated_;  // leading elements of a head that are rotated
  double theta_;
  bool is_dynamic_ = false;
  double factor_ = 1.0;
  int64_t max_positions_;
  double amplitude_ = 1.0;     // YaRN's attention factor on cos and sin
  torch::Tensor frequencies_;  // [rotated / 2] fp32, on the CPU
};

// Rotates the leading part of each head: pairs (i, i + rotated / 2). x: [T, H, D].
torch::Tensor apply_rope(const torch::Tensor& x, const RopeTable& table);

}  // namespace unlearn::model
