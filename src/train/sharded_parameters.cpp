#include "unlearn/train/sharded_parameters.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "unlearn/core/error.h"
#include "unlearn/runtime/adamw.h"
#include "unlearn/runtime/norm.h"

namespace unlearn::train {
namespace {

constexpr int64_t kBlock = kernels::kStateBlock;

int64_t blocks_in(int64_t elements) { return (elements + kBlock - 1) / kBlock; }

}  // namespace

torch::Tensor dense_gradient(const torch::Tensor& parameter) {
  const torch::Tensor& gradient = parameter.grad();
  if (!gradient.defined()) return gradient;
  return gradient.is_sparse() ? gradient.to_dense() : gradient.contiguous();
}

ShardedParameters::ShardedParameters(NamedTensors parameters, ShardRule rule, int64_t part,
                                     int64_t parts)
    : parameters_(std::move(parameters)) {
  int64_t index = 0;
  for (const auto& [name, parameter] : parameters_) {
    UNLEARN_CHECK(parameter.is_contiguous(), name);
    own_.push_back({.parameter = indices_.size(), .part = part});
    indices_.push_back(index);
    index += blocks_in(parameter.numel()) * kBlock;
  }
  cut(rule, part, parts);
}

void ShardedParameters::cut(ShardRule rule, int64_t part, int64_t parts) {
  const int64_t blocks =
      parameters_.empty() ? 0
                          : indices_.back() / kBlock + blocks_in(parameters_.back().second.numel());
  const auto first_of = [&](int64_t of) { return of * blocks / parts * kBlock; };
  int64_t current = 0;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const int64_t index = indices_[i];
    const int64_t size = parameters_[i].second.numel();
    for (int64_t begin = 0; begin < size;) {
      while (index + begin >= first_of(current + 1)) ++current;
      // A whole tensor belongs to the owner of its first element.
      const int64_t end =
          rule == ShardRule::kTensors ? size : std::min(size, first_of(current + 1) - index);
      shards_.push_back({i, begin, end - begin, current});
      if (current == part) own_[i] = shards_.back();
      begin = end;
    }
  }
}

torch::Tensor ShardedParameters::own_elements(size_t parameter, const torch::Tensor& whole) const {
  const Shard& shard = own_[parameter];
  if (!whole.defined() || shard.size == whole.numel()) return whole;
  if (shard.size == 0) return {};
  return whole.view({-1}).narrow(0, shard.begin, shard.size);
}

torch::Tensor ShardedParameters::own_weight(size_t parameter) const {
  return own_elements(parameter, parameters_[parameter].second.detach());
}

torch::Tensor ShardedParameters::own_gradient(size_t parameter) const {
  const torch::Tensor& whole = parameters_[parameter].second;
  if (!whole.grad().defined()) return {};
  if (whole.grad().is_sparse() || !whole.grad().is_contiguous()) {
    whole.mutable_grad() = dense_gradient(whole);
  }
  return own_elements(parameter, whole.grad());
}

torch::Tensor ShardedParameters::gradient_norm() const {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> gradients;
  for (size_t i = 0; i < size(); ++i) {
    const torch::Tensor own = own_elements(i, dense_gradient(parameters_[i].second));
    if (own.defined()) gradients.push_back(own);
  }
  return runtime::l2_norm(gradients, device());
}

std::string ShardedParameters::first_nonfinite_gradient() const {
  for (size_t i = 0; i < size(); ++i) {
    const torch::Tensor own = own_elements(i, dense_gradient(parameters_[i].second));
    if (own.defined() && !at::isfinite(own).all().item<bool>()) return parameters_[i].first;
  }
  return "";
}

void ShardedParameters::clear_gradients() const {
  for (const auto& [name, parameter] : parameters_) parameter.mutable_grad() = torch::Tensor();
}

void load_parts(const std::vector<StatePart>& parts, const ShardedParameters& parameters,
                const std::function<torch::Tensor(const std::string&)>& find) {
  const torch::NoGradGuard no_grad;
  for (const StatePart& part : parts) {
    if (!part.own.defined()) continue;
    const torch::Tensor saved = find(part.name);
    if (saved.sizes() != part.sizes || saved.scalar_type() != part.dtype) {
      user_error("checkpoint: optimizer state '", part.name, "' does not fit the model");
    }
    const int64_t begin = parameters.own(part.parameter).begin / part.unit;
    part.own.view({-1}).copy_(saved.reshape({-1}).narrow(0, begin, part.own.numel()));
  }
}

}  // namespace unlearn::train
