// Qwen2 and Qwen2.5: Llama with biases on q, k and v, and a sliding window in the upper layers when
// asked for; the shapes of transformers' models/qwen2/modeling_qwen2.py.
#include "../family.h"

namespace unlearn::model {
namespace {

// layer_types (transformers from 4.53 on) says it per layer; before, the layers from
// max_window_layers on have the window.
std::vector<int64_t> read_windows(const checkpoint::HfConfig& config) {
  const auto layers = static_cast<size_t>(read_dims(config).num_layers);
  std::vector<int64_t> windows(layers, 0);
  const bool is_used = config.boolean_or("use_sliding_window", false);
  const int64_t window = is_used ? config.size_or("sliding_window", 4096, INT32_MAX) : 0;
  const auto types = config.texts("layer_types");
  if (types.empty()) {
    const double first = config.number_or("max_window_layers", 28);
    for (size_t i = 0; i < layers; ++i) {
      if (static_cast<double>(i) >= first) windows[i] = window;
    }
    return windows;
  }
  if (types.size() != layers) {
    config.refuse("layer_types", "has ", types.size(), " entries for ", layers, " layers");
  }
  for (size_t i = 0; i < layers; ++i) {
    if (types[i] == "sliding_attention") {
      if (window == 0) config.refuse("layer_types", "names sliding_attention without a window");
      windows[i] = window;
    } else if (types[i] != "full_attention") {
      config.refuse("layer_types", "'", types[i],
                    "' is not supported (full_attention and sliding_attention are)");
    }
  }
  return windows;
}

std::shared_ptr<Decoder> build(const checkpoint::HfConfig& config, const Placement& placement) {
  LlamaLikeOptions options;
  options.qkv_bias = true;
  options.windows = read_windows(config);
  return build_llama_like(config, placement, options);
}

}  // namespace

Family make_qwen2() { return {{"qwen2", "Qwen2 and Qwen2.5", {"qwen2"}, "qwen2"}, build}; }

}  // namespace unlearn::model
