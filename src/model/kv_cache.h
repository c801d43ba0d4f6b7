// Keys and values of a batch of sequences, padded to the longest one.
#pragma once

#include <cstdint>
#include <vector>

#include "attention.h"
#include "modules.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::model {

struct CacheShape {
  int64_t layers = 0;
  int64_t sequences = 0;
  int64_t max_length = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
};

class PaddedKvCache : public KvCache {
 public:
  PaddedKvCache(const CacheShape& shape, const Placement& placement);

  void select(const torch::Tensor& sequence_indices) override;
  int64_t num_sequences() const override { return static_cast<int64_t>(lengths_.size()); }

  // Tokens that each sequence holds before the forward pass that is running.
  const std::vector<int64_t>& lengths() const { return lengths_; }

  // Appends the packed keys and values of `layer` and attends with the packed queries over all that
  // each sequence holds. Shapes as in attention().
  torch::Tensor append_and_attend(int64_t layer, const torch::Tensor& q, const torch::Tensor& k,
                                  const torch::Tensor& v, const std::vector<int64_t>& offsets,
                                  const AttentionOptions& options);

  // Counts the tokens of a finished forward pass.
  void advance(const std::vector<int64_t>& offsets);

 private:
  struct Layer {
    torch::Tensor k, v;  // [B, Hkv, capacity, D]
  };
  void reserve(Layer& layer, int64_t length);
  void append(Layer& layer, const torch::Tensor& k, const torch::Tensor& v,
              const std::vector<int64_t>& offsets);
  torch::Tensor visible(int64_t keys, int64_t window) const;

  CacheShape shape_;
  Placement placement_;
  std::vector<Layer> layers_;
  std::vector<int64_t> lengths_;
};

}  // namespace unlearn::model
