#include "model/decoder.h"

#include <algorithm>
#include <numeric>

#include "model/recompute.h"
#include "unlearn/core/error.h"
#include "unlearn/model/block_outputs.h"
#include "unlearn/runtime/device.h"

namespace unlearn::model {
namespace {

// Rotations go on for ever, but nothing useful comes out there, and attention over megabytes of
// text takes hours.
constexpr int64_t kMostContexts = 16;

// Positions inside each sequence, continuing after `before` tokens.
torch::Tensor count_positions(const std::vector<int64_t>& offsets,
                              const std::vector<int64_t>& before, torch::Device device) {
  torch::Tensor positions = torch::empty({offsets.back()}, torch::kInt64);
  int64_t* out = positions.mutable_data_ptr<int64_t>();
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    std::iota(out + offsets[i], out + offsets[i + 1], before[i]);
  }
  return runtime::upload(positions, device);
}

}  // namespace

Decoder::Decoder(const Placement& placement, DecoderParts parts) : parts_(std::move(parts)) {
  const ModelDims& dims = parts_.dims;
  const auto trunk = register_module(parts_.names.trunk, std::make_shared<torch::nn::Module>());
  embedding_ = trunk->register_module(
      parts_.names.embedding, std::make_shared<Embedding>(placement, dims.vocab_size,
                                                          dims.hidden_size, parts_.padding_row));
  if (!parts_.names.positions.empty()) {
    positions_ = trunk->register_module(
        parts_.names.positions,
        std::make_shared<Embedding>(placement, dims.max_positions, dims.hidden_size));
  }
  const auto layers =
      trunk->register_module(parts_.names.layers, std::make_shared<torch::nn::Module>());
  for (int64_t i = 0; i < dims.num_layers; ++i) {
    blocks_.push_back(layers->register_module(std::to_string(i), parts_.make_block(i)));
  }
  parts_.make_block = nullptr;  // it refers to its family's locals
  trunk->register_module(parts_.names.norm, parts_.final_norm);
  if (!dims.tied_embeddings) {
    head_ = register_module(
        parts_.names.head,
        std::make_shared<Linear>(placement, dims.hidden_size, dims.vocab_size, parts_.head_bias));
  }
  for (const auto& entry : named_parameters()) {
    if (entry.value().dim() < 2) not_decayed_.insert(entry.key());
  }
}

torch::Tensor Decoder::embed(const PackedIds& batch, const torch::Tensor& positions) const {
  // A tied head makes a dense gradient of this matrix; the few rows read here are added to it
  // without a second [V, d] that would have to be filled with zeros first. Not in bf16, where rows
  // that occur often must be summed among themselves.
  const bool sparse =
      !head_ && embedding_->weight.is_cpu() && embedding_->weight.scalar_type() != torch::kBFloat16;
  torch::Tensor x = embedding_->forward(batch.ids, sparse);
  if (parts_.embedding_scale != 1.0) {
    // Rounded to the model's dtype first, as the checkpoints were trained.
    x = x * torch::full({}, parts_.embedding_scale, x.options().device(torch::kCPU)).item();
  }
  return positions_ ? x + positions_->forward(positions) : x;
}

std::vector<RopeTable> Decoder::rope_tables(const torch::Tensor& positions,
                                            const std::vector<int64_t>& offsets,
                                            const std::vector<int64_t>& lengths) const {
  std::vector<RopeTable> tables;
  for (const Rope& rope : parts_.ropes) {
    tables.push_back(rope.table(positions, offsets, lengths, embedding_->weight.scalar_type()));
  }
  return tables;
}

torch::Tensor Decoder::hidden_states(const PackedIds& batch, const ForwardOptions& options) {
  return run(batch, options, {});
}

torch::Tensor Decoder::run(const PackedIds& batch, const ForwardOptions& options,
                           const BlockRun& blocks) {
  auto* cache = dynamic_cast<PaddedKvCache*>(options.cache);
  UNLEARN_CHECK((cache != nullptr) == (options.cache != nullptr), "a cache of another model");
  const bool is_shared = batch.shared.places.defined();
  const bool is_masked = !batch.seen.empty();
  UNLEARN_CHECK(!is_masked || (!is_shared && cache == nullptr &&
                               static_cast<int64_t>(batch.seen.size()) == batch.ids.size(0)));
  UNLEARN_CHECK(!is_shared || (cache == nullptr && batch.positions.defined()));
  const int64_t named = is_shared ? batch.shared.places.size(0) : batch.ids.size(0);
  UNLEARN_CHECK(batch.offsets.size() >= 2 && batch.offsets.back() == named,
                "offsets do not cover the ids");
  std::optional<torch::NoGradGuard> no_grad;
  if (cache != nullptr) no_grad.emplace();

  std::vector<int64_t> before(batch.offsets.size() - 1, 0);
  if (cache != nullptr) before = cache->lengths();
  UNLEARN_CHECK(before.size() + 1 == batch.offsets.size(), "the cache holds ", before.size(),
                " sequences, the batch ", batch.offsets.size() - 1);
  // With a cache, the cache knows the positions.
  const bool given = cache == nullptr && batch.positions.defined();
  const torch::Tensor positions =
      given ? batch.positions : count_positions(batch.offsets, before, batch.ids.device());
  std::vector<int64_t> lengths = before;
  for (size_t i = 0; i < lengths.size(); ++i) {
    lengths[i] += batch.offsets[i + 1] - batch.offsets[i];
    if (positions_ && lengths[i] > parts_.dims.max_positions) {
      user_error("a sequence has ", lengths[i], " tokens, the model has embeddings for ",
                 parts_.dims.max_positions, " positions");
    }
    if (lengths[i] > kMostContexts * parts_.dims.max_positions) {
      user_error("a sequence has ", lengths[i], " tokens; the model was made for ",
                 parts_.dims.max_positions, " (max_position_embeddings), and more than ",
                 kMostContexts, " times as many are refused; cut the text");
    }
    UNLEARN_CHECK(!is_shared ||
                  can_share_tokens(batch.lengths.empty() ? lengths[i] : batch.lengths[i]));
  }
  UNLEARN_CHECK(batch.lengths.empty() || batch.lengths.size() == lengths.size());
  const std::vector<RopeTable> tables =
      rope_tables(positions, batch.offsets, batch.lengths.empty() ? lengths : batch.lengths);

  // Shared with whatever runs again in the backward pass, when the batch may be gone.
  const auto offsets = std::make_shared<const std::vector<int64_t>>(batch.offsets);
  const auto seen = std::make_shared<const std::vector<uint8_t>>(batch.seen);
  BlockContext context{*offsets, {}, cache, 0};
  context.shared = batch.shared;
  if (is_masked) context.seen = seen.get();
  context.recompute_mlp = recompute() == Recompute::kSelective;
  torch::Tensor x = blocks.after >= 0 ? blocks.from : embed(batch, positions);
  for (auto i = static_cast<size_t>(blocks.after + 1); i < blocks_.size(); ++i) {
    context.layer = static_cast<int64_t>(i);
    if (!tables.empty()) {
      context.rope = tables[parts_.rope_of_layer.empty() ? 0 : parts_.rope_of_layer[i]];
    }
    const Part block = [block = blocks_[i], context, offsets, seen](const torch::Tensor& input) {
      return block->forward(input, context);
    };
    x = recompute() == Recompute::kFull ? recomputed(x, block) : block(x);
    if (options.capture_layer == context.layer && options.captured != nullptr) {
      *options.captured = x;
    }
    if (blocks.outputs != nullptr) blocks.outputs->push_back(x);
  }
  if (cache != nullptr) cache->advance(batch.offsets);
  return parts_.final_norm->forward(x);
}

BlockOutputs run_blocks(CausalLM& model, const PackedIds& batch) {
  auto* decoder = dynamic_cast<Decoder*>(&model);
  UNLEARN_CHECK(decoder != nullptr, "no decoder");
  BlockOutputs outputs;
  outputs.final = decoder->run(batch, {}, {.outputs = &outputs.blocks});
  return outputs;
}

torch::Tensor run_behind(CausalLM& model, const PackedIds& batch, int64_t block,
                         const torch::Tensor& output) {
  auto* decoder = dynamic_cast<Decoder*>(&model);
  UNLEARN_CHECK(decoder != nullptr && block >= 0 && block < model.dims().num_layers);
  return decoder->run(batch, {}, {.outputs = nullptr, .after = block, .from = output});
}

bool Decoder::can_share_tokens(int64_t longest) const {
  return std::none_of(parts_.ropes.begin(), parts_.ropes.end(),
                      [&](const Rope& rope) { return rope.turns_with_length(longest); });
}

Head Decoder::head() const {
  Head head;
  head.weight = head_ ? head_->weight : embedding_->weight;
  if (head_) head.bias = head_->bias;
  head.softcap = parts_.logit_softcap;
  return head;
}

std::unique_ptr<KvCache> Decoder::make_cache(int64_t num_sequences, int64_t max_length) const {
  // The model may have been moved since it was made.
  const Placement placement{embedding_->weight.scalar_type(), embedding_->weight.device()};
  return std::make_unique<PaddedKvCache>(CacheShape{parts_.dims.num_layers, num_sequences,
                                                    max_length, parts_.kv_heads, parts_.head_dim},
                                         placement);
}

bool Decoder::is_decayed(const std::string& parameter_name) const {
  return !not_decayed_.contains(parameter_name);
}

std::vector<std::string> Decoder::embedding_names() const {
  const std::string trunk = parts_.names.trunk + ".";
  std::vector<std::string> names{trunk + parts_.names.embedding};
  if (positions_) names.push_back(trunk + parts_.names.positions);
  return names;
}

void Decoder::untie_head() {
  UNLEARN_CHECK(!head_ && parts_.dims.tied_embeddings);
  const torch::NoGradGuard no_grad;
  const torch::Tensor& weight = embedding_->weight;
  const Placement placement{weight.scalar_type(), weight.device()};
  parts_.dims.tied_embeddings = false;
  head_ = register_module(parts_.names.head,
                          std::make_shared<Linear>(placement, parts_.dims.hidden_size,
                                                   parts_.dims.vocab_size, /*has_bias=*/false));
  head_->weight.copy_(weight);
}

bool Decoder::is_known_extra(const std::string& tensor_name) const {
  if (!head_ && tensor_name == parts_.names.head + ".weight") return true;
  return std::any_of(parts_.buffer_suffixes.begin(), parts_.buffer_suffixes.end(),
                     [&](const std::string& suffix) { return tensor_name.ends_with(suffix); });
}

std::string Decoder::trunk_name(const std::string& parameter_name) const {
  const std::string prefix = parts_.names.trunk + ".";
  return parameter_name.starts_with(prefix) ? parameter_name.substr(prefix.size()) : parameter_name;
}

}  // namespace unlearn::model
