// Gemma (the first): Llama with norms of 1 + w, a scaled embedding and GELU; the shapes of
// transformers' models/gemma/modeling_gemma.py.
#include "model/family.h"

namespace unlearn::model {
namespace {

std::shared_ptr<Decoder> build_gemma(const checkpoint::HfConfig& config,
                                     const Placement& placement) {
  LlamaLikeOptions options = gemma_options(config);
  options.norms = LlamaLikeOptions::Norms::kBefore;
  options.attention.scale = 0.0;
  // Early configs say hidden_act: gelu and mean the tanh form, as their hidden_activation says.
  options.activation_key = config.has("hidden_activation") ? "hidden_activation" : "hidden_act";
  return build_llama_like(config, placement, options);
}

}  // namespace

Family make_gemma() { return {{"gemma", "Gemma", {"gemma"}, "gemma"}, build_gemma}; }

}  // namespace unlearn::model
