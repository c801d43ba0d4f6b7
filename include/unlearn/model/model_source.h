// What a saved model takes over from the folder that it was loaded from.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::model {

// config.json, tokenizer and generation files, held in memory: a run can save what it made when
// the folder is gone.
class ModelSource {
 public:
  explicit ModelSource(const std::filesystem::path& folder);

  // As save_model of causal_lm.h.
  void save(const CausalLM& model, const std::filesystem::path& destination, torch::Dtype dtype,
            int64_t max_shard_bytes = checkpoint::kLargestShard, bool replace = false) const;

 private:
  checkpoint::HfConfig config_;
  checkpoint::FileContents companions_;
};

}  // namespace unlearn::model
