// Gemma-3, text only: Gemma-2 without caps, with norms on each head's query and key, and with
// another rotation in the sliding layers, of which there are five to one; the shapes of
// transformers' models/gemma3/modeling_gemma3.py (Gemma3ForCausalLM).
#include "model/family.h"

namespace unlearn::model {
namespace {

const checkpoint::RopeKeys& gemma3_rope_keys() {
  static const checkpoint::RopeKeys keys{.default_theta = 1e6,
                                         .local_theta = "rope_local_base_freq"};
  return keys;
}

std::shared_ptr<Decoder> build_gemma3(const checkpoint::HfConfig& config,
                                      const Placement& placement) {
  // transformers reads this key and then does not use it.
  if (config.has("attn_logit_softcapping")) config.refuse("attn_logit_softcapping", "must be null");
  LlamaLikeOptions options = gemma_options(config);
  options.rope = gemma3_rope_keys();
  options.qk_norm = LlamaLikeOptions::QkNorm::kPerHead;
  options.logit_softcap = read_optional(config, "final_logit_softcapping", 0.0);
  const char* pattern_key =
      config.has("sliding_window_pattern") ? "sliding_window_pattern" : "_sliding_window_pattern";
  const int64_t pattern = config.size_or(pattern_key, 6);
  options.windows = read_windows(config, config.size_or("sliding_window", 4096, INT32_MAX),
                                 [&](int64_t layer) { return (layer + 1) % pattern != 0; });
  return build_llama_like(config, placement, options);
}

}  // namespace

Family make_gemma3() {
  return {{"gemma3", "Gemma-3 (text)", {"gemma3_text"}, "gemma"}, build_gemma3, gemma3_rope_keys()};
}

}  // namespace unlearn::model
