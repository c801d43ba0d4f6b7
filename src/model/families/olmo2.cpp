// OLMo-2: norms after attention and MLP instead of before, and over the whole query and key
// projections; the shapes of transformers' models/olmo2/modeling_olmo2.py.
#include "model/family.h"

namespace unlearn::model {
namespace {

std::shared_ptr<Decoder> build_olmo2(const checkpoint::HfConfig& config,
                                     const Placement& placement) {
  LlamaLikeOptions options;
  options.default_eps = 1e-5;
  options.keys.default_pad_id = 1;
  options.qkv_bias = config.boolean_or("attention_bias", false);
  options.out_bias = options.qkv_bias;
  options.norm_weight = RmsWeight::kWide;
  options.norms = LlamaLikeOptions::Norms::kAfter;
  options.qk_norm = LlamaLikeOptions::QkNorm::kWhole;
  return build_llama_like(config, placement, options);
}

}  // namespace

Family make_olmo2() { return {{"olmo2", "OLMo-2", {"olmo2"}, "phi"}, build_olmo2}; }

}  // namespace unlearn::model
