// Llama 1, 2 and 3.x, and what is saved as one (SmolLM2, TinyLlama, Vicuna, …); the shapes of
// transformers' models/llama/modeling_llama.py.
#include "model/family.h"

namespace unlearn::model {
namespace {

std::shared_ptr<Decoder> build_llama(const checkpoint::HfConfig& config,
                                     const Placement& placement) {
  LlamaLikeOptions options;
  options.qkv_bias = config.boolean_or("attention_bias", false);
  options.out_bias = options.qkv_bias;
  options.mlp_bias = config.boolean_or("mlp_bias", false);
  return build_llama_like(config, placement, options);
}

// Llama 3.x has a vocabulary of its own; its predecessors and relatives have smaller ones.
std::string choose_template(const checkpoint::HfConfig& config) {
  return config.size("vocab_size", INT32_MAX) >= 128256 ? "llama3" : "llama2";
}

}  // namespace

Family make_llama() {
  Family family{{"llama", "Llama 1, 2 and 3.x, SmolLM2, TinyLlama", {"llama"}, "llama2"},
                build_llama};
  family.choose_template = choose_template;
  return family;
}

}  // namespace unlearn::model
