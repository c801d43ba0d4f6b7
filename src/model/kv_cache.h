// Keys and values of a batch of sequences, padded to the longest one.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "model/attention.h"
#include "model/modules.h"
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

  void add(int64_t sequences) override;
  void remove(int64_t sequence) override;
  void drop_last(int64_t sequence, int64_t tokens) override;
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
    torch::Tensor k, v;  // [slots, Hkv, capacity, D]
  };
  // What all layers of one forward pass share. The first `with_past` sequences are asked with
  // `queries` tokens each, repeating the last one where there are fewer; the sequences after them
  // hold nothing yet.
  struct Step {
    std::vector<int64_t> offsets;  // the batch's; empty: no pass is running
    int64_t longest = 0;           // keys of the longest sequence, the new ones included
    torch::Tensor rows, places;    // [T] int64: sequence and position of each new token
    int64_t with_past = 0;
    int64_t queries = 0;
    torch::Tensor padded;               // [with_past * queries] int64: the token asked there
    torch::Tensor own;                  // [tokens] int64: where a token's answer lies among those
    std::vector<int64_t> rest_offsets;  // of the sequences without a past, from 0
    std::map<int64_t, torch::Tensor> masks;  // window -> [with_past, queries, keys], additive
  };
  void start_step(const std::vector<int64_t>& offsets);
  const torch::Tensor& mask(int64_t window);
  void reserve(Layer& layer, int64_t length);
  torch::Tensor attend_with_past(const Layer& layer, const torch::Tensor& q,
                                 const AttentionOptions& options);
  torch::Tensor indices(const std::vector<int64_t>& values) const;

  CacheShape shape_;
  Placement placement_;
  std::vector<Layer> layers_;
  std::vector<int64_t> lengths_;
  Step step_;
};

}  // namespace unlearn::model
