// Mistral 7B and relatives: Llama with a sliding window in every layer; the shapes of transformers'
// models/mistral/modeling_mistral.py.
#include "model/family.h"

namespace unlearn::model {
namespace {

std::shared_ptr<Decoder> build_mistral(const checkpoint::HfConfig& config,
                                       const Placement& placement) {
  LlamaLikeOptions options;
  // A window of null means none; a config without the key has transformers' default.
  const bool is_absent = !config.json().contains("sliding_window");
  const int64_t window = is_absent ? 4096 : config.size_or("sliding_window", 0, INT32_MAX);
  options.windows.assign(static_cast<size_t>(read_dims(config).num_layers), window);
  return build_llama_like(config, placement, options);
}

}  // namespace

Family make_mistral() { return {{"mistral", "Mistral 7B", {"mistral"}, "llama2"}, build_mistral}; }

}  // namespace unlearn::model
