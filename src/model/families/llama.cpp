// Llama 1, 2 and 3.x, and what is saved as one (SmolLM2, TinyLlama, Vicuna, …); the shapes of
// transformers' models/llama/modeling_llama.py.
#include "../family.h"

namespace unlearn::model {
namespace {

std::shared_ptr<Decoder> build(const checkpoint::HfConfig& config, const Placement& placement) {
  LlamaLikeOptions options;
  options.qkv_bias = config.boolean_or("attention_bias", false);
  options.out_bias = options.qkv_bias;
  options.mlp_bias = config.boolean_or("mlp_bias", false);
  return build_llama_like(config, placement, options);
}

}  // namespace

Family make_llama() {
  return {{"llama", "Llama 1, 2 and 3.x, SmolLM2, TinyLlama", {"llama"}, "llama2"}, build};
}

}  // namespace unlearn::model
