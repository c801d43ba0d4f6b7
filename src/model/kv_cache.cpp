#include "kv_cache.h"

#include <algorithm>

#include "unlearn/core/error.h"

namespace unlearn::model {
namespace {

// Room is made in steps, so that short answers do not pay for max_length.
constexpr int64_t kGrowth = 64;

}  // namespace

PaddedKvCache::PaddedKvCache(const CacheShape& shape, const Placement& placement)
    : shape_(shape),
      placement_(placement),
      layers_(static_cast<size_t>(shape.layers)),
      lengths_(static_cast<size_t>(shape.sequences), 0) {}

void PaddedKvCache::select(const torch::Tensor& sequence_indices) {
  const torch::Tensor indices = sequence_indices.to(torch::kCPU, torch::kInt64).contiguous();
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < indices.numel(); ++i) {
    lengths.push_back(lengths_.at(static_cast<size_t>(indices.const_data_ptr<int64_t>()[i])));
  }
  const torch::Tensor on_device = indices.to(placement_.device);
  for (Layer& layer : layers_) {
    if (!layer.k.defined()) continue;
    layer.k = layer.k.index_select(0, on_device);
    layer.v = layer.v.index_select(0, on_device);
  }
  lengths_ = std::move(lengths);
}

void PaddedKvCache::reserve(Layer& layer, int64_t length) {
  const int64_t capacity = layer.k.defined() ? layer.k.size(2) : 0;
  if (length <= capacity) return;
  const int64_t wanted = std::max(length, capacity + std::max(kGrowth, capacity / 2));
  for (torch::Tensor* old : {&layer.k, &layer.v}) {
    // Zeros, not garbage: masked keys still pass through a multiplication by zero.
    torch::Tensor grown = torch::zeros(
        {num_sequences(), shape_.kv_heads, std::min(wanted, shape_.max_length), shape_.head_dim},
        torch::TensorOptions().dtype(placement_.dtype).device(placement_.device));
    if (old->defined()) grown.narrow(2, 0, capacity).copy_(*old);
    *old = std::move(grown);
  }
}

void PaddedKvCache::append(Layer& layer, const torch::Tensor& k, const torch::Tensor& v,
                           const std::vector<int64_t>& offsets) {
  int64_t longest = 0;
  bool single = true;
  for (size_t i = 0; i < lengths_.size(); ++i) {
    const int64_t added = offsets[i + 1] - offsets[i];
    longest = std::max(longest, lengths_[i] + added);
    single = single && added == 1;
  }
  UNLEARN_CHECK(longest <= shape_.max_length, "the cache was made for ", shape_.max_length,
                " tokens, not ", longest);
  reserve(layer, longest);
  if (single) {
    const auto integers = torch::TensorOptions().dtype(torch::kInt64);
    const torch::Tensor rows = torch::arange(num_sequences(), integers).to(placement_.device);
    const torch::Tensor places = torch::tensor(lengths_, integers).to(placement_.device);
    using torch::indexing::Slice;
    layer.k.index_put_({rows, Slice(), places}, k);
    layer.v.index_put_({rows, Slice(), places}, v);
    return;
  }
  for (size_t i = 0; i < lengths_.size(); ++i) {
    const int64_t added = offsets[i + 1] - offsets[i];
    const auto row = static_cast<int64_t>(i);
    const auto put = [&](const torch::Tensor& cached, const torch::Tensor& fresh) {
      cached.select(0, row)
          .narrow(1, lengths_[i], added)
          .copy_(fresh.slice(0, offsets[i], offsets[i + 1]).transpose(0, 1));
    };
    put(layer.k, k);
    put(layer.v, v);
  }
}

// [B, keys]: what the token just appended to each sequence may see.
torch::Tensor PaddedKvCache::visible(int64_t keys, int64_t window) const {
  const auto integers = torch::TensorOptions().dtype(torch::kInt64);
  const torch::Tensor own = torch::tensor(lengths_, integers).to(placement_.device).unsqueeze(1);
  const torch::Tensor key = torch::arange(keys, integers).to(placement_.device).unsqueeze(0);
  torch::Tensor seen = key <= own;
  if (window > 0) seen = seen & (key > own - window);
  return seen;
}

torch::Tensor PaddedKvCache::append_and_attend(int64_t layer_index, const torch::Tensor& q,
                                               const torch::Tensor& k, const torch::Tensor& v,
                                               const std::vector<int64_t>& offsets,
                                               const AttentionOptions& options) {
  UNLEARN_CHECK(offsets.size() == lengths_.size() + 1, "the batch has ", offsets.size() - 1,
                " sequences, the cache ", lengths_.size());
  Layer& layer = layers_.at(static_cast<size_t>(layer_index));
  append(layer, k, v, offsets);
  const auto is_zero = [](int64_t length) { return length == 0; };
  if (std::all_of(lengths_.begin(), lengths_.end(), is_zero)) {
    return attention(q, k, v, offsets, options);
  }
  if (q.size(0) == num_sequences()) {
    const int64_t keys = *std::max_element(lengths_.begin(), lengths_.end()) + 1;
    return attend_one(q, layer.k.narrow(2, 0, keys), layer.v.narrow(2, 0, keys),
                      visible(keys, options.window), options);
  }
  std::vector<torch::Tensor> outs;
  for (size_t i = 0; i < lengths_.size(); ++i) {
    const int64_t keys = lengths_[i] + offsets[i + 1] - offsets[i];
    const auto row = static_cast<int64_t>(i);
    const auto held = [&](const torch::Tensor& cached) {
      return cached.select(0, row).narrow(1, 0, keys).transpose(0, 1);
    };
    outs.push_back(attend_to_past(q.slice(0, offsets[i], offsets[i + 1]), held(layer.k),
                                  held(layer.v), options));
  }
  return torch::cat(outs);
}

void PaddedKvCache::advance(const std::vector<int64_t>& offsets) {
  for (size_t i = 0; i < lengths_.size(); ++i) lengths_[i] += offsets[i + 1] - offsets[i];
}

}  // namespace unlearn::model
