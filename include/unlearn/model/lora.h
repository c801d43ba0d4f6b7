// Low-rank adaptation (LoRA, arXiv 2106.09685) of a model's linear layers, and adapter folders in
// PEFT's format (github.com/huggingface/peft).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "unlearn/model/causal_lm.h"

namespace unlearn::model {

struct LoraOptions {
  int64_t rank = 16;
  double alpha = 32;     // y += alpha / rank * dropout(x) A^T B^T
  double dropout = 0.0;  // of x before A, while the model is in training mode
  // "all-linear" (every linear layer but the head), names as "q_proj,v_proj" (a layer's last part
  // or several), or a regular expression that matches a layer's whole name.
  std::string targets = "all-linear";
  uint64_t seed = 0;
};

// Freezes every parameter and puts a trainable pair beside each target: A [rank, in] uniform in
// +-1/sqrt(in), B [out, rank] zero, so that the model still computes what it did. Their parameter
// names are "<layer>.lora_A.weight" and "<layer>.lora_B.weight". UserError names the model's layers
// when none is a target.
void add_lora(CausalLM& model, const LoraOptions& options);

// Adds the pairs into the weights and takes them away; packed weights become plain ones
// that hold what was computed with. Parameters need gradients again.
void merge_lora(CausalLM& model);

// Writes adapter_config.json and adapter_model.safetensors as PEFT saves them; `base` is what
// base_model_name_or_path will say. The folder appears whole. UserError when `destination` is there
// and not empty, unless `replace`.
void write_adapter(const CausalLM& model, const LoraOptions& options, const std::string& base,
                   const std::filesystem::path& destination, bool replace = false);

// What loading an adapter changes besides weights.
struct AdapterEffects {
  bool unties_head = false;  // it adapts the head of a model whose head is the embedding
};
// Compares an adapter folder of PEFT's format with a model folder by settings and headers.
// UserError for everything that merge_adapter refuses.
AdapterEffects check_adapter(const std::filesystem::path& model_folder,
                             const std::filesystem::path& folder);

// Adds an adapter folder of PEFT's format into a model's weights, as PEFT does when it loads and
// merges it: also what init_lora_weights takes away from the base (pissa, olora), the base's
// embedding and head where the file holds them, and a pair of a tied head, which is a matrix of its
// own from then on. UserError for other formulas (DoRA, trained biases, modules_to_save, …),
// unknown settings, missing tensors, tensors without a place and tensors of another rank or shape.
void merge_adapter(CausalLM& model, const std::filesystem::path& folder);

// The same, but the pairs stay beside the weights, as in training: exact for a packed base
// and for bfloat16 weights, which would round small changes away. Only the pairs are trainable. A
// pair of the head is added into it.
void attach_adapter(CausalLM& model, const std::filesystem::path& folder);

}  // namespace unlearn::model
