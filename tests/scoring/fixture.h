// The tiny checkpoints of tests/golden/model as examples to score.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "model/fixtures.h"
#include "unlearn/core/strings.h"
#include "unlearn/data/example.h"

namespace unlearn::scoring {

// One example per golden sequence; every token but the first is a label.
inline std::vector<data::Example> golden_examples(const model::Golden& golden) {
  std::vector<data::Example> examples;
  const auto* ids = golden.ids.const_data_ptr<int64_t>();
  for (size_t s = 0; s + 1 < golden.offsets.size(); ++s) {
    data::Example& example = examples.emplace_back();
    for (int64_t i = golden.offsets[s]; i < golden.offsets[s + 1]; ++i) {
      example.tokens.push_back(static_cast<int32_t>(ids[i]));
    }
    example.labels = example.tokens;
    example.labels[0] = data::kIgnored;
    example.num_labels = static_cast<int64_t>(example.tokens.size()) - 1;
    example.id = cat("golden:", s);
  }
  return examples;
}

inline std::vector<const data::Example*> pointers(const std::vector<data::Example>& examples) {
  std::vector<const data::Example*> out;
  for (const data::Example& example : examples) out.push_back(&example);
  return out;
}

inline std::shared_ptr<model::CausalLM> golden_model(const std::string& variant,
                                                     torch::Dtype dtype = torch::kFloat32) {
  return model::load_model(model::golden_folder() / variant, dtype, torch::kCPU);
}

// A model whose work is counted.
class CountedModel : public model::CausalLM {
 public:
  explicit CountedModel(std::shared_ptr<model::CausalLM> model) : model_(std::move(model)) {}
  torch::Tensor hidden_states(const model::PackedIds& batch,
                              const model::ForwardOptions& options) override {
    ++passes;
    tokens += batch.ids.size(0);
    widest = std::max(widest, static_cast<int64_t>(batch.offsets.size()) - 1);
    return model_->hidden_states(batch, options);
  }
  bool can_share_tokens(int64_t longest) const override {
    return model_->can_share_tokens(longest);
  }
  model::Head head() const override { return model_->head(); }
  std::unique_ptr<model::KvCache> make_cache(int64_t sequences, int64_t length) const override {
    return model_->make_cache(sequences, length);
  }
  const model::ModelDims& dims() const override { return model_->dims(); }
  bool is_decayed(const std::string& name) const override { return model_->is_decayed(name); }

  int64_t passes = 0, tokens = 0;
  int64_t widest = 0;  // sequences of a pass

 private:
  std::shared_ptr<model::CausalLM> model_;
};

}  // namespace unlearn::scoring
