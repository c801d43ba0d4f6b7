// Causal attention over packed sequences: the only place that knows how a device does it.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "model/kept.h"

namespace unlearn::model {

struct AttentionOptions {
  double scale = 0.0;    // 0: 1 / sqrt(D)
  int64_t window = 0;    // a token sees itself and the window - 1 before it; 0: all before it
  double softcap = 0.0;  // scores become softcap * tanh(score / softcap); 0: no cap
};

struct AttentionShape {
  int64_t heads = 0;  // Hq
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
};
// What attention() keeps: of scores where it has no fused form. `inside` counts q, k and v.
ModuleKept attention_kept(const AttentionShape& shape, const AttentionOptions& options,
                          const KeptContext& context);

// q: [T, Hq, D]; k, v: [T, Hkv, D] with Hq a multiple of Hkv (query head h reads key head
// h / (Hq / Hkv)); offsets: [S + 1] boundaries. Returns [T, Hq, D]. Differentiable, deterministic,
// fp32, fp64 and bf16; the key heads are never copied per query head.
torch::Tensor attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                        const std::vector<int64_t>& offsets, const AttentionOptions& options);

// Queries of one sequence against keys of it, wherever they stand. `visible` [queries, keys], no
// row of it empty; undefined: everything is. Differentiable on any device.
torch::Tensor visible_attention(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& v, const torch::Tensor& visible,
                                const AttentionOptions& options);

// attention() where some tokens are hidden: only those with seen[t] != 0 are seen, by all
// tokens from themselves on. A hidden token before all seen ones of its sequence sees nothing and
// gets zeros, as with SDPA under transformers. UserError where one would see nothing because of the
// window.
torch::Tensor masked_attention(const torch::Tensor& q, const torch::Tensor& k,
                               const torch::Tensor& v, const std::vector<int64_t>& offsets,
                               const std::vector<uint8_t>& seen, const AttentionOptions& options);

// Some queries per sequence against the padded keys of a cache. q: [B, Q, Hq, D]; k, v: [B, Hkv, M,
// D]; `mask` [B, Q, M] is added to the scores. Without gradient. Returns [B, Q, Hq, D].
torch::Tensor cached_attention(const torch::Tensor& q, const torch::Tensor& k,
                               const torch::Tensor& v, const torch::Tensor& mask,
                               const AttentionOptions& options);

// 0 where `visible` (bool) and -infinity elsewhere.
torch::Tensor additive_mask(const torch::Tensor& visible, torch::Dtype dtype);

}  // namespace unlearn::model
