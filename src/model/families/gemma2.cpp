// Gemma-2: norms with 1 + w around attention and MLP, a window in every other layer, tanh caps on
// attention scores and logits; the shapes of transformers' models/gemma2/modeling_gemma2.py.
#include "model/family.h"

namespace unlearn::model {
namespace {

std::shared_ptr<Decoder> build_gemma2(const checkpoint::HfConfig& config,
                                      const Placement& placement) {
  LlamaLikeOptions options = gemma_options(config);
  options.attention.softcap = read_optional(config, "attn_logit_softcapping", 50.0);
  options.logit_softcap = read_optional(config, "final_logit_softcapping", 30.0);
  options.windows = read_windows(config, config.size_or("sliding_window", 4096, INT32_MAX),
                                 [](int64_t layer) { return layer % 2 == 0; });
  return build_llama_like(config, placement, options);
}

}  // namespace

Family make_gemma2() { return {{"gemma2", "Gemma-2", {"gemma2"}, "gemma"}, build_gemma2}; }

}  // namespace unlearn::model
