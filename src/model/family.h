// What a family's file provides, and the readers of config.json that families share.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/decoder.h"
#include "model/modules.h"
#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::model {

// One family; families/<name>.cpp defines `Family make_<name>()`.
struct Family {
  FamilyInfo info;
  // Parameters are allocated, not filled. UserError for keys it does not support.
  std::shared_ptr<Decoder> (*build)(const checkpoint::HfConfig& config, const Placement& placement);
  checkpoint::RopeKeys rope_keys = {};
  // The prompt template of a config, where the members of a family differ; null: info's.
  std::string (*choose_template)(const checkpoint::HfConfig& config) = nullptr;
};

// The family of a config; UserError names the supported types.
const Family& find_family(const checkpoint::HfConfig& config);

// hidden_act and its synonyms; UserError for others.
Activation read_activation(const checkpoint::HfConfig& config, const std::string& key,
                           const std::string& fallback);

// How a family spells its sizes, and what they are when config.json leaves them out.
struct DimKeys {
  std::string hidden_size = "hidden_size";
  std::string layers = "num_hidden_layers";
  std::string heads = "num_attention_heads";
  std::string max_positions = "max_position_embeddings";
  int64_t default_head_dim = 0;  // 0: hidden size / heads
  bool tied_by_default = false;
  int64_t default_pad_id = -1;  // pad_token_id of a config without the key; -1: none
};

// vocab_size, hidden_size, num_hidden_layers, max_position_embeddings, tie_word_embeddings.
ModelDims read_dims(const checkpoint::HfConfig& config, const DimKeys& keys = {});

// The embedding's padding row: pad_token_id, which transformers makes nn.Embedding's padding_idx in
// all families but GPT-2 and GPT-NeoX; -1: none.
int64_t read_padding_row(const checkpoint::HfConfig& config, const DimKeys& keys = {});

// num_attention_heads, num_key_value_heads and head_dim, checked against each other.
SelfAttentionOptions read_attention(const checkpoint::HfConfig& config, const DimKeys& keys = {});

// The cache's shape, and one rotation for all layers.
void set_attention(const SelfAttentionOptions& attention, DecoderParts& parts);
void set_rotation(const checkpoint::HfConfig& config, const checkpoint::RopeKeys& keys,
                  DecoderParts& parts);

// hidden_size, intermediate_size and the activation.
MlpOptions read_mlp(const checkpoint::HfConfig& config, const std::string& default_activation,
                    const std::string& activation_key = "hidden_act");

// Makes LayerNorms of one width and epsilon.
using MakeNorm = std::function<std::shared_ptr<Norm>()>;
MakeNorm layer_norms(const Placement& placement, int64_t width, double eps);

// A number above 0 that null switches off (0) and that is `fallback` in a config without the key.
double read_optional(const checkpoint::HfConfig& config, const std::string& key, double fallback);

// Per layer `window` where it slides and 0 where it sees everything: from layer_types
// (transformers from 4.53 on), before that by the family's rule. UserError for other types.
std::vector<int64_t> read_windows(const checkpoint::HfConfig& config, int64_t window,
                                  const std::function<bool(int64_t layer)>& slides);

// The windows of Qwen2 and Qwen3: none unless use_sliding_window, then from max_window_layers on.
std::vector<int64_t> read_qwen_windows(const checkpoint::HfConfig& config);

// What distinguishes the relatives of Llama: RMSNorm, gated MLP, rotation, sequential blocks.
struct LlamaLikeOptions {
  DimKeys keys;
  checkpoint::RopeKeys rope;
  bool qkv_bias = false;
  bool out_bias = false;
  bool mlp_bias = false;
  bool is_fused = false;  // qkv_proj and gate_up_proj (Phi-3)
  std::string activation_key = "hidden_act";
  std::string default_activation = "silu";
  double default_eps = 1e-6;
  RmsWeight norm_weight = RmsWeight::kNarrow;
  enum class Norms { kBefore, kAfter, kAround } norms = Norms::kBefore;  // of attention and MLP
  enum class QkNorm { kNone, kPerHead, kWhole } qk_norm = QkNorm::kNone;
  std::vector<int64_t> windows;       // per layer, 0: no window; empty: none anywhere
  bool long_rope_runs_again = false;  // Phi-3: see CausalLM::runs_again_at
  AttentionOptions attention;         // its window is taken from `windows`
  double embedding_scale = 1.0;
  double logit_softcap = 0.0;
};
// What the Gemma generations from 2 on share.
LlamaLikeOptions gemma_options(const checkpoint::HfConfig& config);
std::shared_ptr<Decoder> build_llama_like(const checkpoint::HfConfig& config,
                                          const Placement& placement,
                                          const LlamaLikeOptions& options);

}  // namespace unlearn::model
