// The reference model as data: what the policy says before its first step, computed once, kept on
// disk under a content hash, and read back through a memory map.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/data/example.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/scoring/row_request.h"

namespace unlearn::scoring {

// Which examples need what.
struct ReferenceNeeds {
  struct Labels {
    data::ExampleKey key;
    const data::Example* example;
  };
  struct Rows {
    data::ExampleKey key;
    const data::Example* example;
    RowPositions positions;
    int64_t skip = 0;
  };
  std::vector<Labels> logp;        // log pi_ref of every label
  std::vector<Rows> hidden;        // final hidden states, for row functions
  std::vector<Rows> layer_hidden;  // output of block `layer`
  int64_t layer = -1;
  bool any() const { return !logp.empty() || !hidden.empty() || !layer_hidden.empty(); }
};

class ReferenceCache {
 public:
  // Reads <folder>/<content hash>.safetensors, or runs the model (which must be the reference now)
  // over the examples in packs of `batch_tokens` and writes it. The hash covers `model_key` (what
  // the weights are), dtype, tokens, labels and masks, so a changed model or data set never meets a
  // stale cache. A damaged file is rebuilt with a warning.
  static ReferenceCache open_or_build(const std::filesystem::path& folder, model::CausalLM& model,
                                      const std::string& model_key, const ReferenceNeeds& needs,
                                      int64_t batch_tokens);

  // Examples are found by the keys of ReferenceNeeds.
  bool has_logp(data::ExampleKey key) const { return logp_at_.contains(key); }
  // [labels] log pi_ref of an example's labels.
  torch::Tensor logp(data::ExampleKey key) const;
  // [positions, d] final hidden states of an example.
  torch::Tensor hidden(data::ExampleKey key) const;
  bool has_layer_hidden(data::ExampleKey key) const { return layer_hidden_at_.contains(key); }
  // [positions, d] output of the block asked for.
  torch::Tensor layer_hidden(data::ExampleKey key) const;
  // The reference's head (a frozen copy when hidden states are kept).
  const model::Head& head() const { return head_; }

 private:
  struct Range {
    int64_t begin, count;
  };
  // Its mapped tensors must be what was opened, whenever they are read.
  void check_file() const;

  std::shared_ptr<const checkpoint::SafetensorsFile> file_;
  std::map<data::ExampleKey, Range> logp_at_, hidden_at_, layer_hidden_at_;
  torch::Tensor logp_;          // [sum of labels] fp32 or fp64
  torch::Tensor hidden_;        // [sum of positions, d] in the model's dtype
  torch::Tensor layer_hidden_;  // [sum of positions, d] in the model's dtype
  model::Head head_;
};

}  // namespace unlearn::scoring
