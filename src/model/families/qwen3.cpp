// Qwen3 (dense): Qwen2 with RMSNorm on each head's query and key instead of biases; the shapes of
// transformers' models/qwen3/modeling_qwen3.py.
#include "model/family.h"

namespace unlearn::model {
namespace {

std::shared_ptr<Decoder> build_qwen3(const checkpoint::HfConfig& config,
                                     const Placement& placement) {
  LlamaLikeOptions options;
  options.keys.default_head_dim = 128;
  options.qkv_bias = config.boolean_or("attention_bias", false);
  options.out_bias = options.qkv_bias;
  options.qk_norm = LlamaLikeOptions::QkNorm::kPerHead;
  options.windows = read_qwen_windows(config);
  return build_llama_like(config, placement, options);
}

}  // namespace

Family make_qwen3() { return {{"qwen3", "Qwen3 (dense)", {"qwen3"}, "qwen3"}, build_qwen3}; }

}  // namespace unlearn::model
