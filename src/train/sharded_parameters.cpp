#include "unlearn/train/sharded_parameters.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "unlearn/core/error.h"
#include "unlearn/kernels/state_code.h"
#include "unlearn/model/device_kernels.h"

namespace unlearn::train {
namespace {

constexpr int64_t kBlock = kernels::kStateBlock;

int64_t blocks_in(int64_t elements) { return (elements + kBlock - 1) / kBlock; }

// Sum of squares of all elements, in fp64, with one wait for the device. fp32, bf16 and fp64.
double sum_squares_on_gpu(const std::vector<torch::Tensor>& tensors, torch::Device device) {
  const kernels::CudaLibrary* library = kernels::cuda_library();
  UNLEARN_CHECK(library != nullptr, "CUDA kernels are not loaded");
  std::map<torch::Dtype, std::vector<torch::Tensor>> by_dtype;
  for (const torch::Tensor& tensor : tensors) by_dtype[tensor.scalar_type()].push_back(tensor);
  const auto wide = torch::dtype(torch::kDouble).device(device);
  torch::Tensor sums = torch::empty({static_cast<int64_t>(by_dtype.size())}, wide);
  int64_t at = 0;
  for (const auto& [dtype, group] : by_dtype) {
    std::vector<kernels::NormTensor> items;
    std::vector<int64_t> sizes;
    for (const torch::Tensor& tensor : group) {
      items.push_back({tensor.const_data_ptr(), tensor.numel()});
      sizes.push_back(tensor.numel());
    }
    const model::DeviceWork work = model::work_table(sizes, device);
    const torch::Tensor table = model::to_device(items, device);
    const torch::Tensor partial = torch::empty({work.table.blocks}, wide);
    model::check_launch(
        library->sum_squares(static_cast<const kernels::NormTensor*>(table.const_data_ptr()),
                             &work.table, model::kernel_dtype(dtype),
                             partial.mutable_data_ptr<double>(),
                             sums.mutable_data_ptr<double>() + at++, model::current_stream(device)),
        "sum_squares");
  }
  return sums.sum().item<double>();
}

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

double ShardedParameters::gradient_norm() const {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> gradients;
  for (size_t i = 0; i < size(); ++i) {
    const torch::Tensor own = own_elements(i, dense_gradient(parameters_[i].second));
    if (own.defined()) gradients.push_back(own);
  }
  if (!device().is_cpu()) return std::sqrt(sum_squares_on_gpu(gradients, device()));
  std::vector<torch::Tensor> norms;
  for (const torch::Tensor& gradient : gradients) {
    const auto dtype = gradient.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
    norms.push_back(at::norm(gradient, 2, dtype));
  }
  return norms.empty() ? 0.0
                       : torch::stack(norms).to(torch::kCPU, torch::kDouble).norm().item<double>();
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
