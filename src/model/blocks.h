// Decoder blocks and their attention.
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "attention.h"
#include "kv_cache.h"
#include "modules.h"
#include "rope.h"

namespace unlearn::model {

// What a block needs besides its input; the same for all blocks of a forward pass but `layer`.
struct BlockContext {
  const std::vector<int64_t>& offsets;  // [S + 1]
  RopeTable rope;
  PaddedKvCache* cache = nullptr;
  int64_t layer = 0;
};

// One block: [T, d] -> [T, d]. A pure function of its input and parameters, so that it may be run
// again in the backward pass.
class Block : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& x, const BlockContext& context) const = 0;
};

struct SelfAttentionOptions {
  int64_t width = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  bool qkv_bias = false;
  bool out_bias = false;
  std::string out_name = "o_proj";
  AttentionOptions attention;
};

// q_proj, k_proj, v_proj, rotation, attention, o_proj.
class SelfAttention : public torch::nn::Module {
 public:
  SelfAttention(const Placement& placement, const SelfAttentionOptions& options);
  torch::Tensor forward(const torch::Tensor& x, const BlockContext& context) const;

 private:
  SelfAttentionOptions options_;
  std::shared_ptr<Linear> q_;
  std::shared_ptr<Linear> k_;
  std::shared_ptr<Linear> v_;
  std::shared_ptr<Linear> out_;
};

// x + attention(norm(x)), then x + mlp(norm(x)): Llama and its relatives. Names: input_layernorm,
// self_attn, post_attention_layernorm, mlp.
class SequentialBlock : public Block {
 public:
  struct Parts {
    std::shared_ptr<Norm> input_norm;
    std::shared_ptr<SelfAttention> attention;
    std::shared_ptr<Norm> mlp_norm;
    std::shared_ptr<Mlp> mlp;
  };
  explicit SequentialBlock(Parts parts);
  torch::Tensor forward(const torch::Tensor& x, const BlockContext& context) const override;

 private:
  Parts parts_;
};

// x + attention(norm(x)) + mlp(norm(x)) with one norm: Phi. Names: input_layernorm, self_attn, mlp.
class ParallelBlock : public Block {
 public:
  struct Parts {
    std::shared_ptr<Norm> norm;
    std::shared_ptr<SelfAttention> attention;
    std::shared_ptr<Mlp> mlp;
  };
  explicit ParallelBlock(Parts parts);
  torch::Tensor forward(const torch::Tensor& x, const BlockContext& context) const override;

 private:
  Parts parts_;
};

}  // namespace unlearn::model
