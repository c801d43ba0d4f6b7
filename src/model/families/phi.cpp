// Phi-1, Phi-1.5 and Phi-2: attention and MLP side by side behind one LayerNorm, biases everywhere,
// half of each head rotated; the shapes of transformers' models/phi/modeling_phi.py. Dropout is not
// applied.
#include "../family.h"

namespace unlearn::model {
namespace {

const checkpoint::RopeKeys& phi_rope_keys() {
  static const checkpoint::RopeKeys keys{.default_partial = 0.5};
  return keys;
}

std::shared_ptr<Decoder> build_phi(const checkpoint::HfConfig& config, const Placement& placement) {
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
  const double eps = config.number_or("layer_norm_eps", 1e-5);
  const auto norm = [&](int64_t size) -> std::shared_ptr<Norm> {
    return std::make_shared<LayerNorm>(placement, size, eps);
  };
  if (config.boolean_or("qk_layernorm", false)) {
    const int64_t dim = attention.head_dim;
    attention.qk_norm = {"q_layernorm", "k_layernorm", false,
                         [&, dim](int64_t) { return norm(dim); }};
  }
  MlpOptions mlp;
  mlp.width = width;
  mlp.inner = config.size("intermediate_size");
  mlp.has_bias = true;
  mlp.activation = read_activation(config, "hidden_act", "gelu_new");
  parts.kv_heads = attention.kv_heads;
  parts.head_dim = attention.head_dim;
  parts.head_bias = true;
  parts.ropes.emplace_back(config.rope(phi_rope_keys()), parts.dims.max_positions,
                           attention.head_dim);
  parts.final_norm = norm(width);
  parts.make_block = [&](int64_t) {
    BlockParts block;
    block.input_norm = {"input_layernorm", norm(width)};
    block.attention = {"self_attn", std::make_shared<SelfAttention>(placement, attention)};
    block.mlp = {"mlp", std::make_shared<PlainMlp>(placement, mlp, "fc1", "fc2")};
    return std::make_shared<ParallelBlock>(std::move(block));
  };
  return std::make_shared<Decoder>(placement, std::move(parts));
}

}  // namespace

Family make_phi() {
  return {{"phi", "Phi-1, Phi-1.5 and Phi-2", {"phi"}, "phi"}, build_phi, phi_rope_keys()};
}

}  // namespace unlearn::model
