// A model whose hidden states are a table: what reaches a scoring function can be computed by hand.
#pragma once

#include <torch/types.h>

#include "unlearn/data/example.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::scoring {

inline constexpr int64_t kVocabulary = 110;
inline constexpr int64_t kWidth = 5;

// hidden[t] = table[id] + 0.01 position, which depends on nothing else.
class TableModel : public model::CausalLM {
 public:
  TableModel() {
    torch::manual_seed(3);
    table_ = torch::randn({kVocabulary, kWidth}, torch::kDouble);
    head_.weight = torch::randn({kVocabulary, kWidth}, torch::kDouble);
    dims_.vocab_size = kVocabulary;
    dims_.hidden_size = kWidth;
    dims_.num_layers = 2;
  }
  torch::Tensor hidden_states(const model::PackedIds& batch,
                              const model::ForwardOptions& options) override {
    const torch::Tensor places = batch.positions.to(torch::kDouble).unsqueeze(1);
    const torch::Tensor x = table_.index_select(0, batch.ids) + 0.01 * places;
    if (options.captured != nullptr) {
      *options.captured = x * static_cast<double>(options.capture_layer);
    }
    return x;
  }
  model::Head head() const override { return head_; }
  std::unique_ptr<model::KvCache> make_cache(int64_t, int64_t) const override { return nullptr; }
  const model::ModelDims& dims() const override { return dims_; }
  bool is_decayed(const std::string&) const override { return false; }

  torch::Tensor row(const data::Example& example, int64_t position) const {
    return table_[example.tokens[static_cast<size_t>(position)]] +
           0.01 * static_cast<double>(position);
  }

 private:
  torch::Tensor table_;
  model::Head head_;
  model::ModelDims dims_;
};

inline data::Example example_of(std::vector<int32_t> tokens, size_t prompt) {
  data::Example example;
  example.labels = tokens;
  std::fill_n(example.labels.begin(), prompt, data::kIgnored);
  example.num_labels = static_cast<int64_t>(tokens.size() - prompt);
  example.tokens = std::move(tokens);
  return example;
}

}  // namespace unlearn::scoring
