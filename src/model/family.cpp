#include "model/family.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "unlearn/core/error.h"

namespace unlearn::model {
namespace {

using checkpoint::HfConfig;

constexpr int64_t kMaxLayers = 4096;
constexpr int64_t kMaxVocabulary = int64_t{1} << 26;

// Keys that change what the model computes and that no family here implements.
constexpr std::array kUnsupportedKeys{"quantization_config", "num_experts", "num_local_experts",
                                      "n_routed_experts", "moe_intermediate_size"};

}  // namespace

Activation read_activation(const HfConfig& config, const std::string& key,
                           const std::string& fallback) {
  const std::string name = config.text_or(key, fallback);
  if (name == "silu" || name == "swish") return Activation::kSilu;
  if (name == "gelu") return Activation::kGelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_fast") {
    return Activation::kGeluTanh;
  }
  if (name == "relu") return Activation::kRelu;
  config.refuse(key, "'", name,
                "' is not supported (silu, gelu, gelu_new, gelu_pytorch_tanh and relu are)");
}

ModelDims read_dims(const HfConfig& config, const DimKeys& keys) {
  for (const char* key : kUnsupportedKeys) {
    if (config.has(key)) config.refuse(key, "is not supported");
  }
  ModelDims dims;
  dims.vocab_size = config.size("vocab_size", kMaxVocabulary);
  dims.hidden_size = config.size(keys.hidden_size);
  dims.num_layers = config.size(keys.layers, kMaxLayers);
  dims.max_positions = config.size_or(keys.max_positions, 2048, INT32_MAX);
  dims.tied_embeddings = config.boolean_or("tie_word_embeddings", keys.tied_by_default);
  return dims;
}

int64_t read_padding_row(const HfConfig& config, const DimKeys& keys) {
  const Json& json = config.json();
  const auto given = json.find("pad_token_id");
  // An explicit null is no row; nn.Embedding counts a negative one from the end.
  const int64_t vocab_size = config.size("vocab_size", kMaxVocabulary);
  int64_t row = keys.default_pad_id;
  if (given != json.end()) {
    if (given->is_null()) return -1;
    if (!given->is_number_integer()) config.refuse("pad_token_id", "must be a token id");
    row = given->get<int64_t>();
    if (row < 0) row += vocab_size;
  }
  // transformers cannot load a model whose pad token has no row; it has none to leave out either.
  return row < vocab_size ? std::max<int64_t>(row, -1) : -1;
}

SelfAttentionOptions read_attention(const HfConfig& config, const DimKeys& keys) {
  SelfAttentionOptions options;
  options.width = config.size(keys.hidden_size);
  options.heads = config.size(keys.heads);
  options.kv_heads = config.size_or("num_key_value_heads", options.heads);
  if (options.heads % options.kv_heads != 0) {
    config.refuse("num_key_value_heads", "must divide ", keys.heads, " (", options.heads, "), ",
                  options.kv_heads, " does not");
  }
  if (config.has("head_dim") || keys.default_head_dim != 0) {
    options.head_dim = config.size_or("head_dim", keys.default_head_dim);
    return options;
  }
  if (options.width % options.heads != 0) {
    config.refuse(keys.heads, "must divide ", keys.hidden_size, " (", options.width, "), ",
                  options.heads, " does not");
  }
  options.head_dim = options.width / options.heads;
  return options;
}

double read_optional(const HfConfig& config, const std::string& key, double fallback) {
  if (!config.json().contains(key)) return fallback;
  if (!config.has(key)) return 0.0;
  const double value = config.number(key);
  if (!(value > 0)) config.refuse(key, "must be above 0 or null");
  return value;
}

std::vector<int64_t> read_windows(const HfConfig& config, int64_t window,
                                  const std::function<bool(int64_t layer)>& slides) {
  const auto types = config.texts("layer_types");
  const auto layers = static_cast<size_t>(config.size("num_hidden_layers", kMaxLayers));
  if (!types.empty() && types.size() != layers) {
    config.refuse("layer_types", "has ", types.size(), " entries for ", layers, " layers");
  }
  std::vector<int64_t> windows(layers, 0);
  for (size_t i = 0; i < layers; ++i) {
    if (types.empty()) {
      if (slides(static_cast<int64_t>(i))) windows[i] = window;
    } else if (types[i] == "sliding_attention") {
      if (window == 0) config.refuse("layer_types", "names sliding_attention without a window");
      windows[i] = window;
    } else if (types[i] != "full_attention") {
      config.refuse("layer_types", "'", types[i],
                    "' is not supported (full_attention and sliding_attention are)");
    }
  }
  return windows;
}

std::vector<int64_t> read_qwen_windows(const HfConfig& config) {
  const bool is_used = config.boolean_or("use_sliding_window", false);
  const int64_t window = is_used ? config.size_or("sliding_window", 4096, INT32_MAX) : 0;
  const double first = config.number_or("max_window_layers", 28);
  return read_windows(config, window,
                      [&](int64_t layer) { return static_cast<double>(layer) >= first; });
}

void set_attention(const SelfAttentionOptions& attention, DecoderParts& parts) {
  parts.kv_heads = attention.kv_heads;
  parts.head_dim = attention.head_dim;
}

void set_rotation(const HfConfig& config, const checkpoint::RopeKeys& keys, DecoderParts& parts) {
  parts.ropes.emplace_back(config.rope(keys), parts.dims.max_positions, parts.head_dim);
}

MlpOptions read_mlp(const HfConfig& config, const std::string& default_activation,
                    const std::string& activation_key) {
  MlpOptions mlp;
  mlp.width = config.size("hidden_size");
  mlp.inner = config.size("intermediate_size");
  mlp.activation = read_activation(config, activation_key, default_activation);
  return mlp;
}

MakeNorm layer_norms(const Placement& placement, int64_t width, double eps) {
  return [=] { return std::make_shared<LayerNorm>(placement, width, eps); };
}

LlamaLikeOptions gemma_options(const HfConfig& config) {
  if (config.boolean_or("use_bidirectional_attention", false)) {
    config.refuse("use_bidirectional_attention", "must be false for a causal model");
  }
  LlamaLikeOptions options;
  options.keys.default_head_dim = 256;
  options.keys.tied_by_default = true;
  options.keys.default_pad_id = 0;
  options.qkv_bias = config.boolean_or("attention_bias", false);
  options.out_bias = options.qkv_bias;
  options.activation_key = "hidden_activation";
  options.default_activation = "gelu_pytorch_tanh";
  options.norm_weight = RmsWeight::kOnePlus;
  options.norms = LlamaLikeOptions::Norms::kAround;
  const double query_scalar = config.number_or("query_pre_attn_scalar", 256);
  if (!(query_scalar > 0)) config.refuse("query_pre_attn_scalar", "must be above 0");
  options.attention.scale = 1.0 / std::sqrt(query_scalar);
  options.embedding_scale = std::sqrt(static_cast<double>(config.size("hidden_size")));
  return options;
}

namespace {

// The rotations of a model, and which of them each layer has.
void read_ropes(const HfConfig& config, const LlamaLikeOptions& options, DecoderParts& parts) {
  set_rotation(config, options.rope, parts);
  if (options.rope.local_theta.empty()) return;
  parts.ropes.emplace_back(config.local_rope(options.rope), parts.dims.max_positions,
                           parts.head_dim);
  for (const int64_t window : options.windows) parts.rope_of_layer.push_back(window == 0 ? 0 : 1);
}

BlockParts llama_like_block(const Placement& placement, const LlamaLikeOptions& options,
                            const SelfAttentionOptions& attention, const MlpOptions& mlp,
                            double eps) {
  using Norms = LlamaLikeOptions::Norms;
  const auto norm = [&]() -> std::shared_ptr<Norm> {
    return std::make_shared<RmsNorm>(placement, attention.width, eps, options.norm_weight);
  };
  BlockParts parts;
  parts.attention = {"self_attn", std::make_shared<SelfAttention>(placement, attention)};
  parts.mlp = {"mlp", std::make_shared<GatedMlp>(placement, mlp)};
  if (options.norms != Norms::kAfter) parts.input_norm = {"input_layernorm", norm()};
  if (options.norms == Norms::kBefore) {
    parts.mlp_norm = {"post_attention_layernorm", norm()};
    return parts;
  }
  // In these families the name means what it says.
  parts.attention_norm = {"post_attention_layernorm", norm()};
  if (options.norms == Norms::kAround) parts.mlp_norm = {"pre_feedforward_layernorm", norm()};
  parts.output_norm = {"post_feedforward_layernorm", norm()};
  return parts;
}

}  // namespace

std::shared_ptr<Decoder> build_llama_like(const HfConfig& config, const Placement& placement,
                                          const LlamaLikeOptions& options) {
  using QkNorm = LlamaLikeOptions::QkNorm;
  DecoderParts parts;
  parts.dims = read_dims(config, options.keys);
  parts.padding_row = read_padding_row(config, options.keys);
  SelfAttentionOptions attention = read_attention(config, options.keys);
  attention.qkv_bias = options.qkv_bias;
  attention.out_bias = options.out_bias;
  attention.storage = options.is_fused ? QkvStorage::kStacked : QkvStorage::kSeparate;
  attention.attention = options.attention;
  const double eps = config.epsilon_or("rms_norm_eps", options.default_eps);
  if (options.qk_norm != QkNorm::kNone) {
    attention.qk_norm.spans_heads = options.qk_norm == QkNorm::kWhole;
    const int64_t dim = attention.head_dim;
    attention.qk_norm.make = [&, dim](int64_t heads) {
      const int64_t width = options.qk_norm == QkNorm::kWhole ? heads * dim : dim;
      return std::make_shared<RmsNorm>(placement, width, eps, options.norm_weight);
    };
  }
  MlpOptions mlp = read_mlp(config, options.default_activation, options.activation_key);
  mlp.has_bias = options.mlp_bias;
  mlp.is_fused = options.is_fused;
  set_attention(attention, parts);
  parts.embedding_scale = options.embedding_scale;
  parts.logit_softcap = options.logit_softcap;
  parts.norm_start = options.norm_weight == RmsWeight::kOnePlus ? 0.0 : 1.0;
  read_ropes(config, options, parts);
  if (const int64_t limit = parts.ropes.front().short_positions();
      options.long_rope_runs_again && limit > 0) {
    parts.runs_again_at = limit + 1;
  }
  parts.final_norm =
      std::make_shared<RmsNorm>(placement, parts.dims.hidden_size, eps, options.norm_weight);
  parts.make_block = [&](int64_t layer) {
    attention.attention.window =
        options.windows.empty() ? 0 : options.windows.at(static_cast<size_t>(layer));
    return std::make_shared<SequentialBlock>(
        llama_like_block(placement, options, attention, mlp, eps));
  };
  return std::make_shared<Decoder>(placement, std::move(parts));
}

}  // namespace unlearn::model
