// What a family's file provides, and the readers of config.json that families share.
#pragma once

#include <memory>

#include "decoder.h"
#include "modules.h"
#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::model {

// One family; families/<name>.cpp defines `Family make_<name>()`.
struct Family {
  FamilyInfo info;
  // Parameters are allocated, not filled. UserError for keys it does not support.
  std::shared_ptr<Decoder> (*build)(const checkpoint::HfConfig& config, const Placement& placement);
};

// The family of a config; UserError names the supported types.
const Family& find_family(const checkpoint::HfConfig& config);

// hidden_act and its synonyms; UserError for others.
Activation read_activation(const checkpoint::HfConfig& config, const std::string& key,
                           const std::string& fallback);

// vocab_size, hidden_size, num_hidden_layers, max_position_embeddings, tie_word_embeddings.
ModelDims read_dims(const checkpoint::HfConfig& config);

// num_attention_heads, num_key_value_heads and head_dim, checked against each other.
SelfAttentionOptions read_attention(const checkpoint::HfConfig& config);

// What distinguishes the relatives of Llama: RMSNorm, gated MLP, rotation, sequential blocks.
struct LlamaLikeOptions {
  bool qkv_bias = false;
  bool out_bias = false;
  bool mlp_bias = false;
  std::vector<int64_t> windows;  // per layer, 0: no window; empty: none anywhere
};
std::shared_ptr<Decoder> build_llama_like(const checkpoint::HfConfig& config,
                                          const Placement& placement,
                                          const LlamaLikeOptions& options);

}  // namespace unlearn::model
