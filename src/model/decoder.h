// The decoder all families share: embedding, blocks, final norm, head.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "model/blocks.h"
#include "model/modules.h"
#include "model/rope.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::model {

// The names under which a family's checkpoints keep the parts.
struct DecoderNames {
  std::string trunk = "model";
  std::string embedding = "embed_tokens";
  std::string layers = "layers";
  std::string norm = "norm";
  std::string head = "lm_head";
  std::string positions;  // learned position embeddings (GPT-2's wpe); empty: none
};

struct DecoderParts {
  DecoderNames names;
  ModelDims dims;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  bool head_bias = false;
  std::vector<Rope> ropes;            // empty: no rotation
  std::vector<size_t> rope_of_layer;  // indices into ropes; empty: ropes[0] everywhere
  int64_t runs_again_at = 0;          // as in CausalLM
  double embedding_scale = 1.0;       // Gemma: the square root of the width
  double logit_softcap = 0.0;         // as in Head
  int64_t padding_row = -1;           // of the embedding, as Embedding says
  double norm_start = 1.0;            // what a fresh model's norm weights are; Gemma's 1 + w: 0
  std::shared_ptr<Norm> final_norm;
  std::function<std::shared_ptr<Block>(int64_t layer)> make_block;
  // Ends of tensor names that older files hold although they are no parameters.
  std::vector<std::string> buffer_suffixes = {"rotary_emb.inv_freq"};
};

// What a pass hands out between its blocks, and where it begins.
struct BlockRun {
  std::vector<torch::Tensor>* outputs = nullptr;  // gets every block's, [T, d]
  int64_t after = -1;                             // >= 0: behind this block, which put out `from`
  torch::Tensor from = {};
};

class Decoder : public CausalLM {
 public:
  Decoder(const Placement& placement, DecoderParts parts);

  torch::Tensor hidden_states(const PackedIds& batch, const ForwardOptions& options) override;
  torch::Tensor run(const PackedIds& batch, const ForwardOptions& options, const BlockRun& blocks);
  bool can_share_tokens(int64_t longest) const override;
  int64_t runs_again_at() const override { return parts_.runs_again_at; }
  Head head() const override;
  std::unique_ptr<KvCache> make_cache(int64_t num_sequences, int64_t max_length) const override;
  const ModelDims& dims() const override { return parts_.dims; }
  bool is_decayed(const std::string& parameter_name) const override;

  // Names of modules: the head's (a tied model has none), and the embeddings', tokens first.
  const std::string& head_name() const { return parts_.names.head; }
  std::vector<std::string> embedding_names() const;
  // Gives a tied model a head of its own that equals the embedding.
  void untie_head();

  // True for tensors of a checkpoint that loading may leave out: buffers, and a tied head's copy.
  bool is_known_extra(const std::string& tensor_name) const;

  // The name of a parameter's tensor in a file whose trunk was saved alone, without the head (the
  // published GPT-2): the trunk's prefix is missing.
  std::string trunk_name(const std::string& parameter_name) const;

  double norm_start() const { return parts_.norm_start; }
  int64_t padding_row() const { return parts_.padding_row; }
  const Block& block(size_t layer) const { return *blocks_.at(layer); }

 private:
  DecoderParts parts_;
  torch::Tensor embed(const PackedIds& batch, const torch::Tensor& positions) const;
  std::vector<RopeTable> rope_tables(const torch::Tensor& positions,
                                     const std::vector<int64_t>& offsets,
                                     const std::vector<int64_t>& lengths) const;

  std::shared_ptr<Embedding> embedding_;
  std::shared_ptr<Embedding> positions_;  // or null
  std::vector<std::shared_ptr<Block>> blocks_;
  std::shared_ptr<Linear> head_;
  std::set<std::string> not_decayed_;
};

}  // namespace unlearn::model
