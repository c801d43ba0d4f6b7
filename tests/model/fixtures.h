// The tiny checkpoints of tests/golden/model and what transformers computed from them.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::model {

inline std::filesystem::path golden_folder() {
  return std::filesystem::path(UNLEARN_TEST_DIR) / "golden" / "model";
}

// Names of the variants, in order.
inline std::vector<std::string> variants() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(golden_folder())) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

struct Golden {
  explicit Golden(const std::string& variant)
      : file(golden_folder() / variant / "golden.safetensors"),
        ids(file.view("ids")),
        log_probs(file.view("log_probs")),
        greedy(file.view("greedy")) {
    const torch::Tensor stored = file.view("offsets");
    offsets.assign(stored.const_data_ptr<int64_t>(),
                   stored.const_data_ptr<int64_t>() + stored.numel());
  }

  checkpoint::SafetensorsFile file;
  torch::Tensor ids;
  torch::Tensor log_probs;
  torch::Tensor greedy;  // [S, n]
  std::vector<int64_t> offsets;
};

inline torch::Tensor logits_of(CausalLM& model, const torch::Tensor& hidden) {
  const Head head = model.head();
  const torch::Tensor logits = torch::linear(hidden, head.weight, head.bias);
  return head.softcap > 0 ? torch::tanh(logits / head.softcap) * head.softcap : logits;
}

// Log-probabilities of all tokens but each sequence's first.
inline torch::Tensor token_log_probs(CausalLM& model, const torch::Tensor& ids,
                                     const std::vector<int64_t>& offsets) {
  const torch::Tensor hidden = model.hidden_states({ids, {}, offsets});
  const torch::Tensor all = torch::log_softmax(logits_of(model, hidden), -1);
  std::vector<torch::Tensor> parts;
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    const torch::Tensor targets = ids.slice(0, offsets[i] + 1, offsets[i + 1]);
    parts.push_back(
        all.slice(0, offsets[i], offsets[i + 1] - 1).gather(1, targets.unsqueeze(1)).squeeze(1));
  }
  return torch::cat(parts);
}

// [S, n] the tokens that greedy decoding with a cache makes of the golden texts, on the CPU.
inline torch::Tensor greedy_tokens(CausalLM& model, const Golden& golden, torch::Device device) {
  const int64_t steps = golden.greedy.size(1);
  const auto cache = model.make_cache(golden.greedy.size(0), 20 + steps);
  PackedIds batch{golden.ids.to(device), {}, golden.offsets};
  std::vector<torch::Tensor> produced;
  for (int64_t step = 0; step < steps; ++step) {
    ForwardOptions options;
    options.cache = cache.get();
    const torch::Tensor hidden = model.hidden_states(batch, options);
    const std::vector<int64_t> ends(batch.offsets.begin() + 1, batch.offsets.end());
    const torch::Tensor last = hidden.index_select(0, (torch::tensor(ends) - 1).to(device));
    batch.ids = logits_of(model, last).argmax(-1);
    produced.push_back(batch.ids.cpu());
    batch.offsets = {0, 1, 2, 3};
  }
  return torch::stack(produced, 1);
}

}  // namespace unlearn::model
