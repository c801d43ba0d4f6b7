#include "unlearn/markov/decoder.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <limits>

#include "unlearn/core/error.h"

namespace unlearn::markov {
namespace {

using torch::Tensor;

constexpr double kNormEpsilon = 1e-5;
constexpr double kPositionStd = 0.02;

Tensor normal(at::IntArrayRef shape, double std, torch::Generator& generator) {
  return torch::empty(shape).normal_(0.0, std, generator);
}

// PyTorch's default for a linear layer's weight and bias alike.
Tensor linear_init(at::IntArrayRef shape, int64_t fan_in, torch::Generator& generator) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
  return torch::empty(shape).uniform_(-bound, bound, generator);
}

Tensor norm(const Tensor& hidden, const Tensor& weight, const Tensor& bias) {
  return at::layer_norm(hidden, weight.sizes(), weight, bias, kNormEpsilon);
}

void copy_parameters(const torch::nn::Module& from, torch::nn::Module& to) {
  const torch::NoGradGuard no_grad;
  const auto source = from.parameters();
  const auto target = to.parameters();
  to.to(source.front().scalar_type());
  for (size_t i = 0; i < source.size(); ++i) target[i].copy_(source[i]);
}

class PostNormDecoder : public Decoder {
 public:
  PostNormDecoder(const DecoderOptions& options, uint64_t seed);

  std::shared_ptr<Decoder> copy() const override;
  Tensor hidden_states(const Tensor& states) const override;
  model::Head head() const override { return {output_weight_, output_bias_}; }

 private:
  struct Block {
    Tensor qkv;  // [3 width, width]: query, key and value rows
    Tensor norm1_weight, norm1_bias;
    Tensor up_weight, up_bias, down_weight, down_bias;
    Tensor norm2_weight, norm2_bias;
  };
  Block make_block(const std::string& prefix, torch::Generator& generator);
  Tensor run_block(const Block& block, const Tensor& hidden, const Tensor& qkv,
                   const Tensor& mask) const;

  DecoderOptions options_;
  Tensor tokens_, positions_;
  std::vector<Block> blocks_;
  Tensor output_weight_, output_bias_;
};

PostNormDecoder::PostNormDecoder(const DecoderOptions& options, uint64_t seed) : options_(options) {
  torch::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const int64_t d = options.width;
  tokens_ = register_parameter("tokens", normal({kStates, d}, 1.0, generator));
  positions_ =
      register_parameter("positions", normal({options.positions, d}, kPositionStd, generator));
  for (int64_t i = 0; i < options.blocks; ++i) {
    blocks_.push_back(make_block(cat("block", i, "_"), generator));
  }
  output_weight_ = register_parameter("output_weight", linear_init({kStates, d}, d, generator));
  output_bias_ = register_parameter("output_bias", linear_init({kStates}, d, generator));
}

PostNormDecoder::Block PostNormDecoder::make_block(const std::string& prefix,
                                                   torch::Generator& generator) {
  const int64_t d = options_.width;
  const auto add = [&](const char* name, Tensor value) {
    return register_parameter(prefix + name, std::move(value));
  };
  Block block;
  block.qkv = add("qkv", linear_init({3 * d, d}, d, generator));
  block.norm1_weight = add("norm1_weight", torch::ones({d}));
  block.norm1_bias = add("norm1_bias", torch::zeros({d}));
  block.up_weight = add("up_weight", linear_init({d, d}, d, generator));
  block.up_bias = add("up_bias", linear_init({d}, d, generator));
  block.down_weight = add("down_weight", linear_init({d, d}, d, generator));
  block.down_bias = add("down_bias", linear_init({d}, d, generator));
  block.norm2_weight = add("norm2_weight", torch::ones({d}));
  block.norm2_bias = add("norm2_bias", torch::zeros({d}));
  return block;
}

std::shared_ptr<Decoder> PostNormDecoder::copy() const {
  auto other = std::make_shared<PostNormDecoder>(options_, 0);
  copy_parameters(*this, *other);
  return other;
}

Tensor PostNormDecoder::run_block(const Block& block, const Tensor& hidden, const Tensor& qkv,
                                  const Tensor& mask) const {
  const auto parts = qkv.chunk(3, 2);
  const double scale = 1.0 / std::sqrt(static_cast<double>(options_.width));
  const Tensor scores = at::baddbmm(mask, parts[0], parts[1].transpose(1, 2), 1.0, scale);
  const Tensor attended = at::bmm(scores.softmax(2), parts[2]);
  const Tensor middle = norm(hidden + attended, block.norm1_weight, block.norm1_bias);
  const Tensor inner = at::linear(middle, block.up_weight, block.up_bias).relu();
  const Tensor mlp = at::linear(inner, block.down_weight, block.down_bias);
  return norm(middle + mlp, block.norm2_weight, block.norm2_bias);
}

Tensor PostNormDecoder::hidden_states(const Tensor& states) const {
  const int64_t length = states.size(1);
  UNLEARN_CHECK(length <= options_.positions, length, " positions");
  // The first block's input has only states x positions different rows: its query, key and value
  // are computed once for each and looked up.
  const Tensor table = (tokens_.unsqueeze(1) + positions_.narrow(0, 0, length)).flatten(0, 1);
  const Tensor row = states * length + torch::arange(length);
  const Tensor mask =
      torch::full({length, length}, -std::numeric_limits<double>::infinity(), tokens_.options())
          .triu_(1);
  Tensor hidden = at::embedding(table, row);
  Tensor qkv = at::embedding(at::linear(table, blocks_.front().qkv), row);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    if (i > 0) qkv = at::linear(hidden, blocks_[i].qkv);
    hidden = run_block(blocks_[i], hidden, qkv, mask);
  }
  return hidden;
}

// The program's own GPT-2 on batches of equally long sequences.
class Gpt2Decoder : public Decoder {
 public:
  Gpt2Decoder(const DecoderOptions& options, uint64_t seed)
      : options_(options), model_(register_module("model", model::make_model(config(), seed))) {}

  std::shared_ptr<Decoder> copy() const override {
    auto other = std::make_shared<Gpt2Decoder>(options_, 0);
    copy_parameters(*this, *other);
    return other;
  }

  Tensor hidden_states(const Tensor& states) const override {
    const int64_t length = states.size(1);
    model::PackedIds packed;
    packed.ids = states.flatten();
    for (int64_t i = 0; i <= states.size(0); ++i) packed.offsets.push_back(i * length);
    return model_->hidden_states(packed).view({states.size(0), length, options_.width});
  }

  model::Head head() const override { return model_->head(); }

 private:
  Json config() const {
    return {{"model_type", "gpt2"},     {"vocab_size", kStates},
            {"n_embd", options_.width}, {"n_layer", options_.blocks},
            {"n_head", options_.heads}, {"n_positions", options_.positions}};
  }

  DecoderOptions options_;
  std::shared_ptr<model::CausalLM> model_;
};

}  // namespace

std::shared_ptr<Decoder> make_decoder(const DecoderOptions& options, uint64_t seed) {
  if (options.arch == Architecture::kGpt2) return std::make_shared<Gpt2Decoder>(options, seed);
  return std::make_shared<PostNormDecoder>(options, seed);
}

Transitions run_decoder(const Decoder& decoder, const SequenceSet& batch) {
  const Tensor counts = batch.lengths - 1;
  const int64_t longest = counts.max().item<int64_t>();
  const Tensor inputs = batch.states.narrow(1, 0, longest);
  const Tensor hidden = decoder.hidden_states(inputs);
  const Tensor real = torch::arange(longest).unsqueeze(0).lt(counts.unsqueeze(1));
  const Tensor rows = real.flatten().nonzero().squeeze(1);
  Transitions result;
  result.hidden = hidden.flatten(0, 1);
  if (rows.size(0) < result.hidden.size(0)) result.hidden = result.hidden.index_select(0, rows);
  result.from = inputs.flatten().index_select(0, rows);
  result.to = batch.states.narrow(1, 1, longest).flatten().index_select(0, rows);
  result.sources = batch.sources.repeat_interleave(counts);
  result.offsets = {0};
  const int64_t* count = counts.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < batch.size(); ++i) {
    result.offsets.push_back(result.offsets.back() + count[i]);
  }
  return result;
}

}  // namespace unlearn::markov
