// Causal attention over packed sequences: the only place that knows how a device does it.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace unlearn::model {

struct AttentionOptions {
  double scale = 0.0;    // 0: 1 / sqrt(D)
  int64_t window = 0;    // a token sees itself and the window - 1 before it; 0: all before it
  double softcap = 0.0;  // scores become softcap * tanh(score / softcap); 0: no cap
};

// q: [T, Hq, D]; k, v: [T, Hkv, D] with Hq a multiple of Hkv (query head h reads key head
// h / (Hq / Hkv)); offsets: [S + 1] boundaries. Returns [T, Hq, D]. Differentiable, deterministic,
// fp32, fp64 and bf16; the key heads are never copied per query head.
torch::Tensor attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                        const std::vector<int64_t>& offsets, const AttentionOptions& options);

// The same where sequences end in padding: of sequence i only the first attended[i] tokens are
// seen, by themselves as ever and by the padding behind them. UserError where a padding token would
// see nothing because of the window.
torch::Tensor padded_attention(const torch::Tensor& q, const torch::Tensor& k,
                               const torch::Tensor& v, const std::vector<int64_t>& offsets,
                               const std::vector<int64_t>& attended,
                               const AttentionOptions& options);

// Queries of one sequence against more keys than queries: the last query sees all keys. Without
// gradient. q: [n, Hq, D]; k, v: [m, Hkv, D], m >= n. Returns [n, Hq, D].
torch::Tensor attend_to_past(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                             const AttentionOptions& options);

// One query per sequence against padded keys. q: [B, Hq, D]; k, v: [B, Hkv, M, D]; `visible`
// [B, M] bool. Without gradient. Returns [B, Hq, D].
torch::Tensor attend_one(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                         const torch::Tensor& visible, const AttentionOptions& options);

}  // namespace unlearn::model
