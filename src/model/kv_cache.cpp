#include "model/kv_cache.h"

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

void PaddedKvCache::add(int64_t sequences) {
  lengths_.resize(lengths_.size() + static_cast<size_t>(sequences), 0);
  step_ = {};
}

void PaddedKvCache::remove(int64_t sequence) {
  const int64_t last = num_sequences() - 1;
  UNLEARN_CHECK(sequence >= 0 && sequence <= last);
  for (Layer& layer : layers_) {
    if (!layer.k.defined()) continue;
    for (torch::Tensor* cached : {&layer.k, &layer.v}) {
      // Whole rows, and zeros where nobody is left: the next owner's masked keys are multiplied by
      // zero, and no NaN of another sequence may be among them.
      const bool has_run = last < cached->size(0);
      if (has_run && sequence != last) cached->select(0, sequence).copy_(cached->select(0, last));
      const int64_t left = has_run ? last : sequence;
      if (left < cached->size(0)) cached->select(0, left).zero_();
    }
  }
  lengths_[static_cast<size_t>(sequence)] = lengths_.back();
  lengths_.pop_back();
  step_ = {};
}

void PaddedKvCache::drop_last(int64_t sequence, int64_t tokens) {
  int64_t& length = lengths_.at(static_cast<size_t>(sequence));
  UNLEARN_CHECK(tokens >= 0 && tokens <= length);
  length -= tokens;
  step_ = {};
}

torch::Tensor PaddedKvCache::indices(const std::vector<int64_t>& values) const {
  return torch::tensor(values, torch::kInt64).to(placement_.device);
}

void PaddedKvCache::reserve(Layer& layer, int64_t length) {
  const int64_t slots = layer.k.defined() ? layer.k.size(0) : 0;
  const int64_t capacity = layer.k.defined() ? layer.k.size(2) : 0;
  if (num_sequences() <= slots && length <= capacity) return;
  const int64_t wanted = std::max(length, capacity + std::max(kGrowth, capacity / 2));
  const int64_t room = length <= capacity ? capacity : std::min(wanted, shape_.max_length);
  for (torch::Tensor* old : {&layer.k, &layer.v}) {
    // Zeros, not garbage: masked keys still pass through a multiplication by zero.
    torch::Tensor grown =
        torch::zeros({std::max(slots, num_sequences()), shape_.kv_heads, room, shape_.head_dim},
                     torch::TensorOptions().dtype(placement_.dtype).device(placement_.device));
    if (old->defined()) grown.narrow(0, 0, slots).narrow(2, 0, capacity).copy_(*old);
    *old = std::move(grown);
  }
}

void PaddedKvCache::start_step(const std::vector<int64_t>& offsets) {
  step_ = {};
  step_.offsets = offsets;
  std::vector<int64_t> rows, places;
  for (size_t i = 0; i < lengths_.size(); ++i) {
    const int64_t added = offsets[i + 1] - offsets[i];
    UNLEARN_CHECK(added > 0, "sequence ", i, " gets no token");
    for (int64_t t = 0; t < added; ++t) {
      rows.push_back(static_cast<int64_t>(i));
      places.push_back(lengths_[i] + t);
    }
    step_.longest = std::max(step_.longest, lengths_[i] + added);
    if (lengths_[i] > 0) step_.with_past = static_cast<int64_t>(i) + 1;
  }
  UNLEARN_CHECK(step_.longest <= shape_.max_length, "the cache was made for ", shape_.max_length,
                " tokens, not ", step_.longest);
  step_.rows = indices(rows);
  step_.places = indices(places);
  const auto with_past = static_cast<size_t>(step_.with_past);
  for (size_t i = 0; i < with_past; ++i) {
    step_.queries = std::max(step_.queries, offsets[i + 1] - offsets[i]);
  }
  std::vector<int64_t> padded, own;
  for (size_t i = 0; i < with_past; ++i) {
    const int64_t added = offsets[i + 1] - offsets[i];
    for (int64_t j = 0; j < step_.queries; ++j) {
      if (j < added) own.push_back(static_cast<int64_t>(padded.size()));
      padded.push_back(offsets[i] + std::min(j, added - 1));
    }
  }
  if (with_past > 0) {
    step_.padded = indices(padded);
    step_.own = indices(own);
  }
  for (size_t i = with_past; i < offsets.size(); ++i) {
    step_.rest_offsets.push_back(offsets[i] - offsets[with_past]);
  }
}

// What each query of a sequence with a past may see.
const torch::Tensor& PaddedKvCache::mask(int64_t window) {
  torch::Tensor& mask = step_.masks[window];
  if (mask.defined()) return mask;
  const torch::Tensor own =
      step_.places.index_select(0, step_.padded).view({step_.with_past, step_.queries, 1});
  const torch::Tensor key =
      torch::arange(step_.longest,
                    torch::TensorOptions().dtype(torch::kInt64).device(placement_.device))
          .view({1, 1, -1});
  torch::Tensor visible = key <= own;
  if (window > 0) visible = visible & (key > own - window);
  return mask = additive_mask(visible, placement_.dtype);
}

torch::Tensor PaddedKvCache::attend_with_past(const Layer& layer, const torch::Tensor& q,
                                              const AttentionOptions& options) {
  const auto held = [&](const torch::Tensor& cached) {
    return cached.narrow(0, 0, step_.with_past).narrow(2, 0, step_.longest);
  };
  const bool one_each = step_.queries == 1;
  const torch::Tensor asked = (one_each ? q : q.index_select(0, step_.padded))
                                  .view({step_.with_past, step_.queries, q.size(1), q.size(2)});
  const torch::Tensor out =
      cached_attention(asked, held(layer.k), held(layer.v), mask(options.window), options)
          .flatten(0, 1);
  return one_each ? out : out.index_select(0, step_.own);
}

torch::Tensor PaddedKvCache::append_and_attend(int64_t layer_index, const torch::Tensor& q,
                                               const torch::Tensor& k, const torch::Tensor& v,
                                               const std::vector<int64_t>& offsets,
                                               const AttentionOptions& options) {
  UNLEARN_CHECK(offsets.size() == lengths_.size() + 1, "the batch has ", offsets.size() - 1,
                " sequences, the cache ", lengths_.size());
  if (step_.offsets != offsets) start_step(offsets);
  Layer& layer = layers_.at(static_cast<size_t>(layer_index));
  reserve(layer, step_.longest);
  using torch::indexing::Slice;
  layer.k.index_put_({step_.rows, Slice(), step_.places}, k);
  layer.v.index_put_({step_.rows, Slice(), step_.places}, v);
  const int64_t split = offsets[static_cast<size_t>(step_.with_past)];
  if (split == q.size(0)) return attend_with_past(layer, q, options);
  const torch::Tensor fresh = attention(q.slice(0, split), k.slice(0, split), v.slice(0, split),
                                        step_.rest_offsets, options);
  return split == 0 ? fresh
                    : torch::cat({attend_with_past(layer, q.slice(0, 0, split), options), fresh});
}

void PaddedKvCache::advance(const std::vector<int64_t>& offsets) {
  for (size_t i = 0; i < lengths_.size(); ++i) lengths_[i] += offsets[i + 1] - offsets[i];
  step_ = {};
}

}  // namespace unlearn::model
