// GPT-NeoX and Pythia: q, k and v of each head in one matrix, a quarter of each head rotated,
// attention and MLP side by side behind a norm each; the shapes of transformers'
// models/gpt_neox/modeling_gpt_neox.py. Dropout is not applied.
#include "model/family.h"

namespace unlearn::model {
namespace {

const checkpoint::RopeKeys& gpt_neox_rope_keys() {
  static const checkpoint::RopeKeys keys{
      .theta = "rotary_emb_base", .partial = "rotary_pct", .default_partial = 0.25};
  return keys;
}

DecoderNames gpt_neox_names() {
  DecoderNames names;
  names.trunk = "gpt_neox";
  names.embedding = "embed_in";
  names.norm = "final_layer_norm";
  names.head = "embed_out";
  return names;
}

std::shared_ptr<Decoder> build_gpt_neox(const checkpoint::HfConfig& config,
                                        const Placement& placement) {
  DecoderParts parts;
  parts.names = gpt_neox_names();
  // Causal masks that older files hold.
  parts.buffer_suffixes = {".attention.bias", ".attention.masked_bias", "rotary_emb.inv_freq"};
  parts.dims = read_dims(config);
  SelfAttentionOptions attention = read_attention(config);
  if (attention.kv_heads != attention.heads) {
    config.refuse("num_key_value_heads", "must equal num_attention_heads for gpt_neox");
  }
  attention.qkv_bias = config.boolean_or("attention_bias", true);
  attention.out_bias = attention.qkv_bias;
  attention.storage = QkvStorage::kPerHead;
  attention.fused_name = "query_key_value";
  attention.out_name = "dense";
  const double eps = config.epsilon_or("layer_norm_eps", 1e-5);
  const bool is_parallel = config.boolean_or("use_parallel_residual", true);
  MlpOptions mlp = read_mlp(config, "gelu");
  mlp.has_bias = true;
  set_attention(attention, parts);
  set_rotation(config, gpt_neox_rope_keys(), parts);
  const MakeNorm norm = layer_norms(placement, mlp.width, eps);
  parts.final_norm = norm();
  parts.make_block = [&](int64_t) -> std::shared_ptr<Block> {
    BlockParts block;
    block.input_norm = {"input_layernorm", norm()};
    block.attention = {"attention", std::make_shared<SelfAttention>(placement, attention)};
    block.mlp_norm = {"post_attention_layernorm", norm()};
    block.mlp = {"mlp",
                 std::make_shared<PlainMlp>(placement, mlp, "dense_h_to_4h", "dense_4h_to_h")};
    if (is_parallel) return std::make_shared<ParallelBlock>(std::move(block));
    return std::make_shared<SequentialBlock>(std::move(block));
  };
  return std::make_shared<Decoder>(placement, std::move(parts));
}

}  // namespace

Family make_gpt_neox() {
  return {{"gpt_neox", "GPT-NeoX and Pythia", {"gpt_neox"}, "phi"},
          build_gpt_neox,
          gpt_neox_rope_keys()};
}

}  // namespace unlearn::model
