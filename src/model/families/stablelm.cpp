// StableLM 3B, StableLM-2 1.6B and 12B: LayerNorm, gated MLP, a quarter of each head rotated; some
// with parallel residuals and a norm per head; the shapes of transformers'
// models/stablelm/modeling_stablelm.py. Dropout is not applied.
#include "model/family.h"

namespace unlearn::model {
namespace {

const checkpoint::RopeKeys& stablelm_rope_keys() {
  static const checkpoint::RopeKeys keys{.default_partial = 0.25};
  return keys;
}

std::shared_ptr<Decoder> build_stablelm(const checkpoint::HfConfig& config,
                                        const Placement& placement) {
  DecoderParts parts;
  parts.dims = read_dims(config);
  parts.padding_row = read_padding_row(config);
  SelfAttentionOptions attention = read_attention(config);
  attention.qkv_bias = config.boolean_or("use_qkv_bias", false);
  const double eps = config.epsilon_or("layer_norm_eps", 1e-5);
  if (config.boolean_or("qk_layernorm", false)) {
    const int64_t dim = attention.head_dim;
    attention.qk_norm = {"q_layernorm", "k_layernorm", false, [&, dim](int64_t heads) {
                           return std::make_shared<PerHeadLayerNorm>(placement, heads, dim, eps);
                         }};
  }
  const bool is_parallel = config.boolean_or("use_parallel_residual", false);
  const MlpOptions mlp = read_mlp(config, "silu");
  set_attention(attention, parts);
  set_rotation(config, stablelm_rope_keys(), parts);
  const MakeNorm norm = layer_norms(placement, mlp.width, eps);
  parts.final_norm = norm();
  parts.make_block = [&](int64_t) -> std::shared_ptr<Block> {
    BlockParts block;
    block.input_norm = {"input_layernorm", norm()};
    block.attention = {"self_attn", std::make_shared<SelfAttention>(placement, attention)};
    block.mlp = {"mlp", std::make_shared<GatedMlp>(placement, mlp)};
    if (is_parallel) return std::make_shared<ParallelBlock>(std::move(block));
    block.mlp_norm = {"post_attention_layernorm", norm()};
    return std::make_shared<SequentialBlock>(std::move(block));
  };
  return std::make_shared<Decoder>(placement, std::move(parts));
}

}  // namespace

Family make_stablelm() {
  return {{"stablelm", "StableLM 3B and StableLM-2", {"stablelm"}, "phi"},
          build_stablelm,
          stablelm_rope_keys()};
}

}  // namespace unlearn::model
