// LoRA adapters of tests/golden/lora over the tiny checkpoints of tests/golden/model.
#pragma once

#include "model/fixtures.h"
#include "unlearn/model/weight_format.h"

namespace unlearn::model {

inline std::filesystem::path adapter_folder(const std::string& variant) {
  return std::filesystem::path(UNLEARN_TEST_DIR) / "golden" / "lora" / variant;
}

inline std::shared_ptr<CausalLM> load(const std::string& variant,
                                      torch::Dtype dtype = torch::kFloat32, int64_t bits = 0) {
  return load_model(golden_folder() / variant, dtype, torch::kCPU,
                    format_of_base_bits(bits, "bits"));
}

inline torch::Tensor log_probs(CausalLM& model, const std::string& variant) {
  const Golden golden(variant);
  return token_log_probs(model, golden.ids, golden.offsets);
}

inline double largest(const torch::Tensor& difference) {
  return difference.abs().max().item<double>();
}

// Puts the stored A and B into a model that has fresh ones.
inline void copy_adapter(CausalLM& model, const std::filesystem::path& folder) {
  const checkpoint::SafetensorsFile file(folder / "adapter_model.safetensors");
  const torch::NoGradGuard no_grad;
  for (auto& entry : model.named_parameters()) {
    if (!entry.value().requires_grad()) continue;
    entry.value().copy_(file.view("base_model.model." + entry.key()));
  }
}

}  // namespace unlearn::model
