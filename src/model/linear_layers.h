// A model's linear layers by name, and the names of PEFT's files and tensors.
#pragma once

#include <string>
#include <vector>

#include "model/modules.h"
#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::model {

struct LinearLayer {
  std::string name;  // "model.layers.0.self_attn.q_proj"
  Linear* linear;    // of the model
};

// All linear layers but the head, in the model's order.
std::vector<LinearLayer> linear_layers(const CausalLM& model);
// The head as well, when it is a layer of its own.
std::vector<LinearLayer> linear_layers_with_head(const CausalLM& model);

inline constexpr const char* kAdapterConfig = "adapter_config.json";
inline constexpr const char* kAdapterWeights = "adapter_model.safetensors";
inline constexpr const char* kPeftPrefix = "base_model.model.";
inline constexpr const char* kPeftA = ".lora_A.weight";
inline constexpr const char* kPeftB = ".lora_B.weight";

}  // namespace unlearn::model
