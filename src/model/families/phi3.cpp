// Phi-3, Phi-3.5 and Phi-4(-mini): Llama with fused projections, LongRoPE and an optional window;
// the shapes of transformers' models/phi3/modeling_phi3.py. Dropout is not applied.
#include "model/family.h"

namespace unlearn::model {
namespace {

std::shared_ptr<Decoder> build_phi3(const checkpoint::HfConfig& config,
                                    const Placement& placement) {
  LlamaLikeOptions options;
  options.is_fused = true;
  options.long_rope_runs_again = true;
  options.keys.default_pad_id = 32000;
  options.default_eps = 1e-5;
  options.windows.assign(static_cast<size_t>(read_dims(config).num_layers),
                         config.size_or("sliding_window", 0, INT32_MAX));
  return build_llama_like(config, placement, options);
}

}  // namespace

Family make_phi3() { return {{"phi3", "Phi-3, Phi-3.5 and Phi-4", {"phi3"}, "phi3"}, build_phi3}; }

}  // namespace unlearn::model
