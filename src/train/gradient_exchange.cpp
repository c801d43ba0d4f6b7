#include "train/gradient_exchange.h"

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include "unlearn/core/error.h"

namespace unlearn::train {
namespace {

// An exchange costs tens of microseconds beside its bytes, so small tensors share one.
constexpr int64_t kBucketElements = int64_t{1} << 20;

torch::Tensor elements(const torch::Tensor& whole, const Shard& shard) {
  return whole.view({-1}).narrow(0, shard.begin, shard.size);
}

// Buckets on their way at a time: each is a copy of its gradients.
constexpr size_t kMostSending = 8;

// What came of an exchange of several tensors as one.
void copy_back(const torch::Tensor& whole, const std::vector<torch::Tensor>& parts) {
  if (parts.size() == 1) return;  // it is the part
  int64_t offset = 0;
  for (const torch::Tensor& part : parts) {
    part.copy_(whole.narrow(0, offset, part.numel()));
    offset += part.numel();
  }
}

// Exchanges tensors as one; `receives` says whether this process wants what comes of it.
template <class Exchange>
void exchange_as_one(const std::vector<torch::Tensor>& parts, bool receives,
                     const Exchange& exchange) {
  if (parts.empty()) return;
  if (parts.size() == 1) return exchange(parts.front());
  const torch::Tensor bucket_tensor = at::cat(parts);
  exchange(bucket_tensor);
  if (receives) copy_back(bucket_tensor, parts);
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
  buckets_of_.resize(parameters_.size());
  for (size_t b = 0; b < buckets_.size(); ++b) {
    for (const Shard& shard : buckets_[b]) buckets_of_[shard.parameter].push_back(b);
  }
  unsent_ = buckets_.size();
  reached_.assign(parameters_.size(), 1);
}

GradientExchange::~GradientExchange() { remove_hooks(); }

class GradientExchange::Hook : public torch::autograd::PostAccumulateGradHook {
 public:
  Hook(GradientExchange& exchange, size_t parameter) : exchange_(exchange), parameter_(parameter) {}
  void operator()(const torch::Tensor&) override { exchange_.take(parameter_); }

 private:
  GradientExchange& exchange_;
  size_t parameter_;
};

void GradientExchange::start() const {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, parameter] : parameters_.all()) {
    group_.broadcast(parameter.detach(), 0);
  }
}

void GradientExchange::begin_sum() {
  forget_last_sum();
  taken_.assign(parameters_.size(), false);
  missing_.clear();
  for (const Bucket& bucket : buckets_) missing_.push_back(bucket.size());
  for (size_t i = 0; i < parameters_.size(); ++i) {
    torch::autograd::impl::set_post_acc_grad_hooks(parameters_.all()[i].second,
                                                   std::make_unique<Hook>(*this, i));
  }
  has_hooks_ = true;
}

void GradientExchange::remove_hooks() {
  if (!has_hooks_) return;
  for (const auto& [name, parameter] : parameters_.all()) {
    torch::autograd::impl::set_post_acc_grad_hooks(parameter, nullptr);
  }
  has_hooks_ = false;
}

void GradientExchange::forget_last_sum() {
  if (!is_summed_) return;
  events_.clear();
  is_summed_ = false;
}

// A gradient is complete. One that came twice would have been sent half made.
void GradientExchange::take(size_t parameter) {
  const torch::NoGradGuard no_grad;
  UNLEARN_CHECK(!taken_[parameter], parameters_.all()[parameter].first,
                ": two gradients in one backward pass");
  taken_[parameter] = true;
  events_.push_back({Event::kGradient, parameter});
  for (const size_t bucket : buckets_of_[parameter]) --missing_[bucket];
  while (unsent_ > 0 && missing_[unsent_ - 1] == 0) send(unsent_ - 1);
}

// All processes send in the same order, whatever is ready first.
void GradientExchange::send(size_t bucket) {
  forget_last_sum();
  const int64_t owner = buckets_[bucket].front().part;
  Sending sending{.bucket = bucket, .tensor = {}, .parts = {}, .wait = {}};
  for (const Shard& shard : buckets_[bucket]) {
    const torch::Tensor& parameter = parameters_.all()[shard.parameter].second;
    if (!parameter.grad().defined()) {
      reached_[shard.parameter] = 0;
      parameter.mutable_grad() = torch::zeros_like(parameter.detach());
    } else if (parameter.grad().is_sparse() || !parameter.grad().is_contiguous()) {
      parameter.mutable_grad() = dense_gradient(parameter);
    }
    sending.parts.push_back(elements(parameter.grad(), shard));
  }
  sending.tensor = sending.parts.size() == 1 ? sending.parts.front() : at::cat(sending.parts);
  sending.wait = group_.begin_reduce(sending.tensor, owner);
  events_.push_back({Event::kSent, bucket});
  sending_.push_back(std::move(sending));
  unsent_ = bucket;
  if (sending_.size() > kMostSending) finish_oldest();
}

void GradientExchange::finish_oldest() {
  const Sending sending = std::move(sending_.front());
  sending_.pop_front();
  sending.wait();
  events_.push_back({Event::kSummed, sending.bucket});
  if (buckets_[sending.bucket].front().part != group_.rank()) return;
  copy_back(sending.tensor, sending.parts);
}

void GradientExchange::send_rest() {
  const torch::NoGradGuard no_grad;
  remove_hooks();
  while (unsent_ > 0) send(unsent_ - 1);
}

void GradientExchange::sum_gradients() {
  const torch::NoGradGuard no_grad;
  send_rest();
  while (!sending_.empty()) finish_oldest();
  // A gradient that no process's examples reached stays undefined.
  const std::vector<double> reached = group_.all_reduce(reached_);
  for (size_t i = 0; i < reached.size(); ++i) {
    if (reached[i] == 0) parameters_.all()[i].second.mutable_grad() = torch::Tensor();
  }
  unsent_ = buckets_.size();
  reached_.assign(parameters_.size(), 1);
  is_summed_ = true;
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
