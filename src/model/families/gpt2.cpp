// GPT-2: learned positions, LayerNorm, matrices stored [in, out]; the shapes of transformers'
// models/gpt2/modeling_gpt2.py. Dropout is not applied.
#include <cmath>

#include "model/family.h"

namespace unlearn::model {
namespace {

DimKeys dim_keys() {
  DimKeys keys;
  keys.hidden_size = "n_embd";
  keys.layers = "n_layer";
  keys.heads = "n_head";
  keys.max_positions = "n_positions";
  keys.tied_by_default = true;
  return keys;
}

DecoderNames gpt2_names() {
  DecoderNames names;
  names.trunk = "transformer";
  names.embedding = "wte";
  names.positions = "wpe";
  names.layers = "h";
  names.norm = "ln_f";
  return names;
}

std::shared_ptr<Decoder> build_gpt2(const checkpoint::HfConfig& config,
                                    const Placement& placement) {
  if (config.boolean_or("add_cross_attention", false)) {
    config.refuse("add_cross_attention", "is not supported");
  }
  DecoderParts parts;
  parts.names = gpt2_names();
  // Causal masks that older files hold.
  parts.buffer_suffixes = {".attn.bias", ".attn.masked_bias"};
  parts.dims = read_dims(config, dim_keys());
  SelfAttentionOptions attention = read_attention(config, dim_keys());
  attention.qkv_bias = true;
  attention.out_bias = true;
  attention.storage = QkvStorage::kStacked;
  attention.fused_name = "c_attn";
  attention.out_name = "c_proj";
  attention.layout = WeightLayout::kInOut;
  const int64_t width = parts.dims.hidden_size;
  const double eps = config.epsilon_or("layer_norm_epsilon", 1e-5);
  const double scale = config.boolean_or("scale_attn_weights", true)
                           ? 1.0 / std::sqrt(static_cast<double>(attention.head_dim))
                           : 1.0;
  const bool by_layer = config.boolean_or("scale_attn_by_inverse_layer_idx", false);
  MlpOptions mlp;
  mlp.width = width;
  mlp.inner = config.size_or("n_inner", 4 * width);
  mlp.has_bias = true;
  mlp.activation = read_activation(config, "activation_function", "gelu_new");
  mlp.layout = WeightLayout::kInOut;
  set_attention(attention, parts);
  const MakeNorm norm = layer_norms(placement, width, eps);
  parts.final_norm = norm();
  parts.make_block = [&](int64_t layer) {
    attention.attention.scale = by_layer ? scale / static_cast<double>(layer + 1) : scale;
    BlockParts block;
    block.input_norm = {"ln_1", norm()};
    block.attention = {"attn", std::make_shared<SelfAttention>(placement, attention)};
    block.mlp_norm = {"ln_2", norm()};
    block.mlp = {"mlp", std::make_shared<PlainMlp>(placement, mlp, "c_fc", "c_proj")};
    return std::make_shared<SequentialBlock>(std::move(block));
  };
  return std::make_shared<Decoder>(placement, std::move(parts));
}

}  // namespace

Family make_gpt2() { return {{"gpt2", "GPT-2", {"gpt2"}, "phi"}, build_gpt2}; }

}  // namespace unlearn::model
