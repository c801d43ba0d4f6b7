// Decoder blocks and their attention.
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/attention.h"
#include "model/kv_cache.h"
#include "model/modules.h"
#include "model/rope.h"

namespace unlearn::model {

// What a block needs besides its input; the same for all blocks of a forward pass but `layer`.
struct BlockContext {
  const std::vector<int64_t>& offsets;  // [S + 1]
  RopeTable rope;
  PaddedKvCache* cache = nullptr;
  int64_t layer = 0;
  SharedTokens shared = {};    // tokens that several sequences name
  bool recompute_mlp = false;  // run the feed-forward part again in the backward pass
  const std::vector<uint8_t>* seen = nullptr;  // [T] 0: hidden from attention; null: none is
};

// How the query, key and value projections are stored.
enum class QkvStorage {
  kSeparate,  // q_proj, k_proj, v_proj
  kStacked,   // one matrix: all of q, all of k, all of v (Phi-3, GPT-2)
  kPerHead,   // one matrix: q, k, v of head 0, of head 1, … (GPT-NeoX)
};

// A normalisation of queries and keys before rotation.
struct QkNormOptions {
  std::string query_name = "q_norm";
  std::string key_name = "k_norm";
  bool spans_heads = false;  // over the whole projection (OLMo-2), not within each head
  // The norm of `heads` heads; empty: none.
  std::function<std::shared_ptr<Norm>(int64_t heads)> make;
};

struct SelfAttentionOptions {
  int64_t width = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  bool qkv_bias = false;
  bool out_bias = false;
  QkvStorage storage = QkvStorage::kSeparate;
  std::string fused_name = "qkv_proj";
  std::string out_name = "o_proj";
  WeightLayout layout = WeightLayout::kOutIn;
  QkNormOptions qk_norm;
  AttentionOptions attention;
};

// Projections of queries, keys and values, their norms, rotation, attention, output projection.
class SelfAttention : public torch::nn::Module {
 public:
  SelfAttention(const Placement& placement, const SelfAttentionOptions& options);
  torch::Tensor forward(const torch::Tensor& x, const BlockContext& context) const;
  ModuleKept kept(const KeptContext& context) const;

 private:
  struct Heads {
    torch::Tensor q;     // [T, Hq, D]
    torch::Tensor k, v;  // [T, Hkv, D]
  };
  Heads project(const torch::Tensor& x) const;
  torch::Tensor mix(const Heads& heads, const BlockContext& context) const;
  torch::Tensor normalise(const Norm* norm, const torch::Tensor& x) const;

  SelfAttentionOptions options_;
  std::shared_ptr<Linear> q_, k_, v_;  // or fused_
  std::shared_ptr<Linear> fused_;
  std::shared_ptr<Norm> q_norm_, k_norm_;  // or null
  std::shared_ptr<Linear> out_;
};

// The parts of a block under the names of a family's checkpoints. A norm that is null is left out.
template <class Part>
struct Named {
  std::string name;
  std::shared_ptr<Part> part;
};

struct BlockParts {
  Named<Norm> input_norm;  // before attention
  Named<SelfAttention> attention;
  Named<Norm> attention_norm;  // after attention (OLMo-2, Gemma-2)
  Named<Norm> mlp_norm;        // before the MLP; in a parallel block null: shares input_norm
  Named<Mlp> mlp;
  Named<Norm> output_norm;  // after the MLP (OLMo-2, Gemma-2)
};

// One block: [T, d] -> [T, d]. A pure function of its input and parameters, so that it may be run
// again in the backward pass.
class Block : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& x, const BlockContext& context) const = 0;
  virtual BlockKept kept(const KeptContext& context) const = 0;

 protected:
  void register_parts(const BlockParts& parts);
};

// x + attention(x), then x + mlp(x), each between its norms: Llama and most others.
class SequentialBlock : public Block {
 public:
  explicit SequentialBlock(BlockParts parts);
  torch::Tensor forward(const torch::Tensor& x, const BlockContext& context) const override;
  BlockKept kept(const KeptContext& context) const override;

 private:
  BlockParts parts_;
};

// x + attention(norm(x)) + mlp(norm(x)): Phi (one norm), GPT-NeoX (two).
class ParallelBlock : public Block {
 public:
  explicit ParallelBlock(BlockParts parts);
  torch::Tensor forward(const torch::Tensor& x, const BlockContext& context) const override;
  BlockKept kept(const KeptContext& context) const override;

 private:
  BlockParts parts_;
};

}  // namespace unlearn::model
