// Phi-1, Phi-1.5 and Phi-2: attention and MLP side by side behind one LayerNorm, biases everywhere,
// half of each head rotated; the shapes of transformers' models/phi/modeling_phi.py. Dropout is not
// applied.
#include "../family.h"

namespace unlearn::model {
namespace {

std::shared_ptr<Decoder> build(const checkpoint::HfConfig& config, const Placement& placement) {
  if (config.boolean_or("qk_layernorm", false)) config.refuse("qk_layernorm", "is not supported");
  DecoderParts parts;
  parts.names.norm = "final_layernorm";
  parts.dims = read_dims(config);
  // A tied head still has its own bias in this family, which a tied Decoder has no place for.
  if (parts.dims.tied_embeddings) config.refuse("tie_word_embeddings", "must be false for phi");
  SelfAttentionOptions attention = read_attention(config);
  attention.qkv_bias = true;
  attention.out_bias = true;
  attention.out_name = "dense";
  const int64_t width = parts.dims.hidden_size;
  const MlpOptions mlp{width, config.size("intermediate_size"), true,
                       read_activation(config, "hidden_act", "gelu_new")};
  const double eps = config.number_or("layer_norm_eps", 1e-5);
  parts.kv_heads = attention.kv_heads;
  parts.head_dim = attention.head_dim;
  parts.head_bias = true;
  parts.rope.emplace(config, attention.head_dim, 0.5);
  parts.final_norm = std::make_shared<LayerNorm>(placement, width, eps);
  parts.make_block = [&](int64_t) {
    return std::make_shared<ParallelBlock>(
        ParallelBlock::Parts{std::make_shared<LayerNorm>(placement, width, eps),
                             std::make_shared<SelfAttention>(placement, attention),
                             std::make_shared<PlainMlp>(placement, mlp, "fc1", "fc2")});
  };
  return std::make_shared<Decoder>(placement, std::move(parts));
}

}  // namespace

Family make_phi() { return {{"phi", "Phi-1, Phi-1.5 and Phi-2", {"phi"}, "phi"}, build}; }

}  // namespace unlearn::model
