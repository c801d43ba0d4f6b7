#include "blocks.h"

namespace unlearn::model {

SelfAttention::SelfAttention(const Placement& placement, const SelfAttentionOptions& options)
    : options_(options) {
  const auto linear = [&](const std::string& name, int64_t in, int64_t out, bool has_bias) {
    return register_module(name, std::make_shared<Linear>(placement, in, out, has_bias));
  };
  const int64_t query_width = options.heads * options.head_dim;
  const int64_t key_width = options.kv_heads * options.head_dim;
  q_ = linear("q_proj", options.width, query_width, options.qkv_bias);
  k_ = linear("k_proj", options.width, key_width, options.qkv_bias);
  v_ = linear("v_proj", options.width, key_width, options.qkv_bias);
  out_ = linear(options.out_name, query_width, options.width, options.out_bias);
}

torch::Tensor SelfAttention::forward(const torch::Tensor& x, const BlockContext& context) const {
  const int64_t tokens = x.size(0);
  const auto heads = [&](const std::shared_ptr<Linear>& projection, int64_t count) {
    return projection->forward(x).view({tokens, count, options_.head_dim});
  };
  const torch::Tensor q = apply_rope(heads(q_, options_.heads), context.rope);
  const torch::Tensor k = apply_rope(heads(k_, options_.kv_heads), context.rope);
  const torch::Tensor v = heads(v_, options_.kv_heads);
  const torch::Tensor mixed =
      context.cache == nullptr ? attention(q, k, v, context.offsets, options_.attention)
                               : context.cache->append_and_attend(
                                     context.layer, q, k, v, context.offsets, options_.attention);
  return out_->forward(mixed.view({tokens, options_.heads * options_.head_dim}));
}

SequentialBlock::SequentialBlock(Parts parts) : parts_(std::move(parts)) {
  register_module("input_layernorm", parts_.input_norm);
  register_module("self_attn", parts_.attention);
  register_module("post_attention_layernorm", parts_.mlp_norm);
  register_module("mlp", parts_.mlp);
}

torch::Tensor SequentialBlock::forward(const torch::Tensor& x, const BlockContext& context) const {
  const torch::Tensor middle =
      x + parts_.attention->forward(parts_.input_norm->forward(x), context);
  return middle + parts_.mlp->forward(parts_.mlp_norm->forward(middle));
}

ParallelBlock::ParallelBlock(Parts parts) : parts_(std::move(parts)) {
  register_module("input_layernorm", parts_.norm);
  register_module("self_attn", parts_.attention);
  register_module("mlp", parts_.mlp);
}

torch::Tensor ParallelBlock::forward(const torch::Tensor& x, const BlockContext& context) const {
  const torch::Tensor normal = parts_.norm->forward(x);
  return parts_.attention->forward(normal, context) + parts_.mlp->forward(normal) + x;
}

}  // namespace unlearn::model
