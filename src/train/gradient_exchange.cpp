#include "train/gradient_exchange.h"

namespace unlearn::train {
namespace {

// An exchange costs tens of microseconds beside its bytes, so small tensors share one.
constexpr int64_t kBucketElements = int64_t{1} << 20;

torch::Tensor elements(const torch::Tensor& whole, const Shard& shard) {
  return whole.view({-1}).narrow(0, shard.begin, shard.size);
}

// Exchanges tensors as one; `receives` says whether this process wants what comes of it.
template <class Exchange>
void exchange_as_one(const std::vector<torch::Tensor>& parts, bool receives,
                     const Exchange& exchange) {
  if (parts.empty()) return;
  if (parts.size() == 1) return exchange(parts.front());
  const torch::Tensor bucket_tensor = at::cat(parts);
  exchange(bucket_tensor);
  if (!receives) return;
  int64_t offset = 0;
  for (const torch::Tensor& part : parts) {
    part.copy_(bucket_tensor.narrow(0, offset, part.numel()));
    offset += part.numel();
  }
}

}  // namespace

GradientExchange::GradientExchange(const ShardedParameters& parameters,
                                   const distributed::Group& group)
    : parameters_(parameters), group_(group) {
  int64_t size = 0;
  for (const Shard& shard : parameters_.shards()) {
    const bool fits = !buckets_.empty() && buckets_.back().back().part == shard.part &&
                      size + shard.size <= kBucketElements &&
                      parameters_.all()[buckets_.back().back().parameter].second.scalar_type() ==
                          parameters_.all()[shard.parameter].second.scalar_type();
    if (!fits) {
      buckets_.emplace_back();
      size = 0;
    }
    buckets_.back().push_back(shard);
    size += shard.size;
  }
}

void GradientExchange::start() const {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, parameter] : parameters_.all()) {
    group_.broadcast(parameter.detach(), 0);
  }
}

void GradientExchange::sum_gradients() const {
  const torch::NoGradGuard no_grad;
  // A parameter that another process's examples reached needs a gradient here too.
  std::vector<double> reached;
  for (const auto& [name, parameter] : parameters_.all()) {
    reached.push_back(parameter.grad().defined() ? 1 : 0);
  }
  reached = group_.all_reduce(reached);
  std::vector<torch::Tensor> gradients;
  for (size_t i = 0; i < reached.size(); ++i) {
    const torch::Tensor& parameter = parameters_.all()[i].second;
    torch::Tensor gradient = dense_gradient(parameter);
    if (!gradient.defined() && reached[i] > 0) gradient = torch::zeros_like(parameter);
    gradients.push_back(gradient);
    parameter.mutable_grad() = gradient;
  }
  for (const Bucket& bucket : buckets_) {
    const int64_t owner = bucket.front().part;
    std::vector<torch::Tensor> parts;
    for (const Shard& shard : bucket) {
      const torch::Tensor& gradient = gradients[shard.parameter];
      if (gradient.defined()) parts.push_back(elements(gradient, shard));
    }
    exchange_as_one(parts, owner == group_.rank(),
                    [&](const torch::Tensor& tensor) { group_.reduce(tensor, owner); });
  }
}

void GradientExchange::clear_others() const {
  const torch::NoGradGuard no_grad;
  for (const Shard& shard : parameters_.shards()) {
    const torch::Tensor& gradient = parameters_.all()[shard.parameter].second.grad();
    if (gradient.defined() && shard.part != group_.rank()) elements(gradient, shard).zero_();
  }
}

void GradientExchange::share_weights() const {
  const torch::NoGradGuard no_grad;
  for (const Bucket& bucket : buckets_) {
    const int64_t owner = bucket.front().part;
    std::vector<torch::Tensor> parts;
    for (const Shard& shard : bucket) {
      parts.push_back(elements(parameters_.all()[shard.parameter].second.detach(), shard));
    }
    exchange_as_one(parts, owner != group_.rank(),
                    [&](const torch::Tensor& tensor) { group_.broadcast(tensor, owner); });
  }
}

}  // namespace unlearn::train
