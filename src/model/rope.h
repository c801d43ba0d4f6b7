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
  // `rope` is what HfConfig::rope() gives: rope_type (default, linear, dynamic, llama3, yarn,
  // longrope; UserError for others) and its numbers. `max_positions`: max_position_embeddings.
  Rope(const checkpoint::HfConfig& rope, int64_t max_positions, int64_t head_dim);

  // `positions` [T]; `lengths` are the sequences' lengths so far (cached and new) and `offsets`
  // their boundaries in the batch. Dynamic NTK scaling stretches the base of a sequence longer than
  // max_position_embeddings by that sequence's own length: a packed batch gives each sequence what
  // transformers gives it alone. LongRoPE's long factors are chosen per sequence likewise. Keys
  // that a cache holds stay as they were rotated when the sequence was shorter, as in transformers.
  RopeTable table(const torch::Tensor& positions, const std::vector<int64_t>& offsets,
                  const std::vector<int64_t>& lengths, torch::Dtype dtype) const;
  // Whether the angles of a sequence of this length are others than those of its beginning alone.
  bool turns_with_length(int64_t length) const { return own_frequencies(length).defined(); }
  // LongRoPE: the longest sequence with the short factors; else 0.
  int64_t short_positions() const { return short_positions_; }

 private:
  void read_longrope(const checkpoint::HfConfig& rope);
  torch::Tensor dynamic_frequencies(int64_t length) const;
  // The frequencies of a sequence of `length` tokens; undefined: the common ones.
  torch::Tensor own_frequencies(int64_t length) const;

  int64_t rotated_;  // leading elements of a head that are rotated
  double theta_;
  bool is_dynamic_ = false;
  double factor_ = 1.0;
  int64_t max_positions_;
  double amplitude_ = 1.0;          // YaRN's attention factor on cos and sin
  int64_t short_positions_ = 0;     // LongRoPE: the longest sequence with the short factors
  torch::Tensor frequencies_;       // [rotated / 2] fp32, on the CPU
  torch::Tensor long_frequencies_;  // LongRoPE's, or undefined
};

// Rotates the leading part of each head: pairs (i, i + rotated / 2). x: [T, H, D].
torch::Tensor apply_rope(const torch::Tensor& x, const RopeTable& table);

}  // namespace unlearn::model
