#include "family.h"

#include <array>

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

ModelDims read_dims(const HfConfig& config) {
  for (const char* key : kUnsupportedKeys) {
    if (config.has(key)) config.refuse(key, "is not supported");
  }
  ModelDims dims;
  dims.vocab_size = config.size("vocab_size", kMaxVocabulary);
  dims.hidden_size = config.size("hidden_size");
  dims.num_layers = config.size("num_hidden_layers", kMaxLayers);
  dims.max_positions = config.size_or("max_position_embeddings", 2048, INT32_MAX);
  dims.tied_embeddings = config.boolean_or("tie_word_embeddings", false);
  return dims;
}

SelfAttentionOptions read_attention(const HfConfig& config) {
  SelfAttentionOptions options;
  options.width = config.size("hidden_size");
  options.heads = config.size("num_attention_heads");
  options.kv_heads = config.size_or("num_key_value_heads", options.heads);
  if (options.heads % options.kv_heads != 0) {
    config.refuse("num_key_value_heads", "must divide num_attention_heads (", options.heads, "), ",
                  options.kv_heads, " does not");
  }
  if (!config.has("head_dim") && options.width % options.heads != 0) {
    config.refuse("num_attention_heads", "must divide hidden_size (", options.width, "), ",
                  options.heads, " does not");
  }
  options.head_dim = config.size_or("head_dim", options.width / options.heads);
  return options;
}

std::shared_ptr<Decoder> build_llama_like(const HfConfig& config, const Placement& placement,
                                          const LlamaLikeOptions& options) {
  DecoderParts parts;
  parts.dims = read_dims(config);
  SelfAttentionOptions attention = read_attention(config);
  attention.qkv_bias = options.qkv_bias;
  attention.out_bias = options.out_bias;
  const int64_t width = parts.dims.hidden_size;
  const MlpOptions mlp{width, config.size("intermediate_size"), options.mlp_bias,
                       read_activation(config, "hidden_act", "silu")};
  const double eps = config.number_or("rms_norm_eps", 1e-6);
  parts.kv_heads = attention.kv_heads;
  parts.head_dim = attention.head_dim;
  parts.rope.emplace(config, attention.head_dim);
  parts.final_norm = std::make_shared<RmsNorm>(placement, width, eps);
  parts.make_block = [&](int64_t layer) {
    attention.attention.window =
        options.windows.empty() ? 0 : options.windows.at(static_cast<size_t>(layer));
    return std::make_shared<SequentialBlock>(
        SequentialBlock::Parts{std::make_shared<RmsNorm>(placement, width, eps),
                               std::make_shared<SelfAttention>(placement, attention),
                               std::make_shared<RmsNorm>(placement, width, eps),
                               std::make_shared<GatedMlp>(placement, mlp)});
  };
  return std::make_shared<Decoder>(placement, std::move(parts));
}

}  // namespace unlearn::model
