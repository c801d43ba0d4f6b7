// The model as the rest of the program sees it: packed ids in, hidden states out.
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/core/json.h"

namespace unlearn::model {

struct WeightFormat;  // weight_format.h

// Sequences that begin alike may have those tokens once in a pack (data/shared_pack.h).
struct SharedTokens {
  torch::Tensor places;  // [E] int64: where each sequence's tokens lie, sequence after sequence
  torch::Tensor first;   // [T] int64: where each token is first named in `places`
};

// Sequences laid end to end; attention never crosses a boundary.
struct PackedIds {
  torch::Tensor ids;             // [T] int64, on the model's device
  torch::Tensor positions;       // [T] int64, position inside the sequence; undefined: counted
  std::vector<int64_t> offsets;  // [S + 1] boundaries, offsets[0] = 0, offsets[S] = T (or E)
  SharedTokens shared = {};      // undefined: every token belongs to one sequence
  // [T] 0 where a token is hidden from attention: it sees the seen tokens before it, and no other
  // token sees it; positions count it (as an attention mask does it in transformers). Empty: all
  // are seen. Not with `shared`, nor with a cache.
  std::vector<uint8_t> seen = {};
  // [S] tokens of each whole sequence (and of what a cache holds of it) where its last ones are not
  // run: rotations that turn with the length follow these. Empty: as many as are there.
  std::vector<int64_t> lengths = {};
};

// How hidden states become logits: logits = softcap(scale * (h W^T + bias)).
struct Head {
  torch::Tensor weight;  // [V, d]; the embedding itself when tied
  torch::Tensor bias;    // [V] or undefined (Phi-1.5 has one)
  double scale = 1.0;
  double softcap = 0.0;  // 0: none; else softcap * tanh(z / softcap) (Gemma-2)
};

// Keys and values of sequences being generated; made by CausalLM::make_cache.
class KvCache {
 public:
  virtual ~KvCache() = default;
  // Puts empty sequences after the others.
  virtual void add(int64_t sequences) = 0;
  // Takes a sequence away; the last one moves to its place.
  virtual void remove(int64_t sequence) = 0;
  // Forgets the last tokens of a sequence.
  virtual void drop_last(int64_t sequence, int64_t tokens) = 0;
  virtual int64_t num_sequences() const = 0;
};

// Options of one forward pass.
struct ForwardOptions {
  KvCache* cache = nullptr;           // generation: append to and attend over the cached keys
  int64_t capture_layer = -1;         // >= 0: also return the output of that block
  torch::Tensor* captured = nullptr;  // [T, d]
};

// What every family reports about itself.
struct ModelDims {
  int64_t vocab_size = 0;  // rows of the embedding
  int64_t hidden_size = 0;
  int64_t num_layers = 0;
  int64_t max_positions = 0;
  bool tied_embeddings = false;
};

// What is not kept for the backward pass but computed again there; never changes a gradient.
enum class Recompute { kNone, kSelective, kFull };  // nothing, feed-forward parts, whole blocks

// Where training stands: what a forward pass draws at random (dropout) depends on it alone.
struct StepPosition {
  int64_t step = 0;         // optimizer step
  int64_t first_token = 0;  // input tokens of the step before this batch
};

class CausalLM : public torch::nn::Module {
 public:
  // Hidden states after the final norm, [T, d], differentiable. With a cache, the batch holds the
  // next tokens of every cached sequence (offsets per sequence) and runs without gradient.
  virtual torch::Tensor hidden_states(const PackedIds& batch,
                                      const ForwardOptions& options = {}) = 0;
  // Whether a token's hidden state depends on the tokens up to it alone, so that sequences of at
  // most `longest` tokens may share them (PackedIds::shared, without a cache). False where
  // positions turn with the length of the whole sequence.
  virtual bool can_share_tokens(int64_t /*longest*/) const { return false; }
  // The length at which a cached sequence has to be run again from its first token, because all of
  // its angles change there (Phi-3's LongRoPE); 0: never.
  virtual int64_t runs_again_at() const { return 0; }
  virtual Head head() const = 0;
  virtual std::unique_ptr<KvCache> make_cache(int64_t num_sequences, int64_t max_length) const = 0;
  virtual const ModelDims& dims() const = 0;
  // Weights that AdamW does not decay: norms and biases, as the Hugging Face Trainer excludes them.
  virtual bool is_decayed(const std::string& parameter_name) const = 0;

  void set_recompute(Recompute recompute) { recompute_ = recompute; }
  Recompute recompute() const { return recompute_; }
  void set_step_position(const StepPosition& position) { *position_ = position; }
  std::shared_ptr<const StepPosition> step_position() const { return position_; }

 private:
  Recompute recompute_ = Recompute::kNone;
  std::shared_ptr<StepPosition> position_ = std::make_shared<StepPosition>();
};

// What loading a folder found.
struct LoadReport {
  std::vector<std::string> missing;  // parameters without a tensor
  std::vector<std::string> unused;   // tensors without a parameter
  // What the tensors say otherwise than config.json or the index: one line each.
  std::vector<std::string> oddities;
};

// A freshly initialised model (normal(0, initializer_range), norms 1, biases 0) from config.json's
// content; UserError names an unsupported family or key.
std::shared_ptr<CausalLM> make_model(const Json& hf_config, uint64_t seed);

// Reads a Hugging Face folder. Weights are converted to `dtype`; with a `linear_format`, those of
// all linear layers but the head are packed as they are read (a frozen base for LoRA). UserError
// on missing tensors and on tensors of another shape; tensors without a place are left out, as in
// transformers (check_model_folder names them; buffers such as rotary inv_freq are known).
std::shared_ptr<CausalLM> load_model(const std::filesystem::path& folder, torch::Dtype dtype,
                                     torch::Device device,
                                     const WeightFormat* linear_format = nullptr);

// A folder's config.json as its weights make it: tie_word_embeddings is false where the folder
// holds a head that differs from the embedding (transformers from 5.0 on takes the stored head).
Json model_config(const std::filesystem::path& folder);

// What would be missing or unused, from headers alone (for `unlearn inspect` and --dry-run).
LoadReport check_model_folder(const std::filesystem::path& folder);

// What a folder holds, from headers alone.
struct FolderSummary {
  std::string family;
  ModelDims dims;
  int64_t parameters = 0;                            // of the model, tied weights once
  int64_t bytes = 0;                                 // of all tensors in the files
  std::map<std::string, int64_t> elements_by_dtype;  // "BF16" -> elements in the files
  LoadReport report;
};
FolderSummary summarize_model_folder(const std::filesystem::path& folder);

// Number of elements of all parameters, tied weights once.
int64_t count_parameters(const CausalLM& model);

// Writes a Hugging Face folder that transformers 4.x and 5.x load: config.json (kept keys, dtype
// updated), model*.safetensors (+ index above max_shard_bytes), and source's tokenizer and
// generation files byte-identical. The folder appears whole (temporary name, rename). UserError
// when `destination` is there and not empty, unless `replace`.
void save_model(const CausalLM& model, const std::filesystem::path& source_folder,
                const std::filesystem::path& destination, torch::Dtype dtype,
                int64_t max_shard_bytes = checkpoint::kLargestShard, bool replace = false);

// name, HF model_type spellings, default prompt template ("llama2", "phi", …).
struct FamilyInfo {
  std::string name;
  std::string help;
  std::vector<std::string> model_types;
  std::string prompt_template;
};
std::vector<FamilyInfo> families();
const FamilyInfo& family_of(const Json& hf_config);  // UserError names the supported types
// The prompt template for a model: its family's, but Llama-3's for a llama with that vocabulary.
std::string prompt_template_of(const Json& hf_config);

}  // namespace unlearn::model
