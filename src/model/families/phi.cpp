// Phi-1, Phi-1.5 and Phi-2: attention and MLP side by side behind one LayerNorm, biases everywhere,
// half of each head rotated; the shapes of transformers' models/phi/modeling_phi.py. Dropout is not
// applied.
#include "model/family.h"

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
  parts.padding_row = read_padding_row(config);
  // A tied head still has its own bias in this family, which a tied Decoder has no place for.
  if (parts.dims.tied_embeddings) config.refuse("tie_word_embeddings", "must be false for phi");
  SelfAttentionOptions attention = read_attention(config);
  attention.qkv_bias = true;
  attention.out_bias = true;
  attention.out_name = "dense";
  const double eps = config.epsilon_or("layer_norm_eps", 1e-5);
  const MakeNorm norm = layer_norms(placement, parts.dims.hidden_size, eps);
  if (config.boolean_or("qk_layernorm", false)) {
    const MakeNorm per_head = layer_norms(placement, attention.head_dim, eps);
    attention.qk_norm = {"q_layernorm", "k_layernorm", false,
                         [per_head](int64_t) { return per_head(); }};
  }
  MlpOptions mlp = read_mlp(config, "gelu_new");
  mlp.has_bias = true;
  set_attention(attention, parts);
  parts.head_bias = true;
  set_rotation(config, phi_rope_keys(), parts);
  parts.final_norm = norm();
  parts.make_block = [&](int64_t) {
    BlockParts block;
    block.input_norm = {"input_layernorm", norm()};
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
