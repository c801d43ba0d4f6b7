// Qwen2 and Qwen2.5: Llama with biases on q, k and v, and a sliding window in the upper layers when
// asked for; the shapes of transformers' models/qwen2/modeling_qwen2.py.
#include "model/family.h"

namespace unlearn::model {
namespace {

std::shared_ptr<Decoder> build_qwen2(const checkpoint::HfConfig& config,
                                     const Placement& placement) {
  LlamaLikeOptions options;
  options.qkv_bias = true;
  options.windows = read_qwen_windows(config);
  return build_llama_like(config, placement, options);
}

}  // namespace

Family make_qwen2() { return {{"qwen2", "Qwen2 and Qwen2.5", {"qwen2"}, "qwen2"}, build_qwen2}; }

}  // namespace unlearn::model
