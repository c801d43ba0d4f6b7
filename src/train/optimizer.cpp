#include "unlearn/train/optimizer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "train/adamw_step.h"
#include "unlearn/core/error.h"
#include "unlearn/core/rng.h"
#include "unlearn/model/device_kernels.h"

namespace unlearn::train {
namespace {

using kernels::DType;
using kernels::kStateBlock;
using kernels::State;

// Norms and biases: a rounding error of their state would reach everything and save nothing.
constexpr int64_t kSmallTensor = 4096;

kernels::AdamWLayout layout_of(int64_t elements, torch::Dtype dtype, Master master, int64_t bits) {
  const bool wide = bits == 32 || elements < kSmallTensor || dtype == torch::kFloat64;
  return {model::kernel_dtype(dtype), dtype == torch::kBFloat16 ? master : Master::kFull,
          wide         ? State::kWide
          : bits == 16 ? State::kBfloat16
                       : State::kBlock8};
}

torch::Dtype state_dtype(const kernels::AdamWLayout& layout) {
  if (layout.state == State::kBfloat16) return torch::kBFloat16;
  if (layout.state == State::kBlock8) return torch::kUInt8;
  return layout.dtype == DType::kFloat64 ? torch::kFloat64 : torch::kFloat32;
}

int64_t blocks_of(int64_t elements) { return (elements + kStateBlock - 1) / kStateBlock; }

// A flat buffer that hands out its parts in order; sized by a first pass over all requests.
class Arena {
 public:
  void reserve(int64_t elements) { size_ += elements; }
  torch::Tensor take(torch::IntArrayRef sizes, int64_t padded,
                     const torch::TensorOptions& options) {
    if (!buffer_.defined()) buffer_ = torch::zeros({size_}, options.requires_grad(false));
    const torch::Tensor part = buffer_.narrow(0, used_, c10::multiply_integers(sizes)).view(sizes);
    used_ += padded;
    return part;
  }

 private:
  torch::Tensor buffer_;
  int64_t size_ = 0;
  int64_t used_ = 0;
};

template <class T>
T* pointer(const torch::Tensor& tensor) {
  return tensor.defined() ? static_cast<T*>(tensor.data_ptr()) : nullptr;
}

}  // namespace

int64_t optimizer_bytes(int64_t elements, torch::Dtype dtype, Master master, int64_t state_bits) {
  const kernels::AdamWLayout layout = layout_of(elements, dtype, master, state_bits);
  int64_t bytes = 2 * elements * static_cast<int64_t>(torch::elementSize(state_dtype(layout)));
  if (layout.state == State::kBlock8) bytes += 2 * blocks_of(elements) * int64_t{sizeof(float)};
  if (layout.master == Master::kSplit) bytes += elements * int64_t{sizeof(int16_t)};
  return bytes;
}

torch::Tensor dense_gradient(const torch::Tensor& parameter) {
  const torch::Tensor& gradient = parameter.grad();
  if (!gradient.defined()) return gradient;
  return gradient.is_sparse() ? gradient.to_dense() : gradient.contiguous();
}

AdamW::AdamW(NamedTensors parameters, const AdamWOptions& options,
             const std::function<bool(const std::string&)>& is_decayed)
    : parameters_(std::move(parameters)), options_(options) {
  int64_t index = 0;
  for (const auto& [name, parameter] : parameters_) {
    UNLEARN_CHECK(parameter.is_contiguous(), name);
    Slot& slot = slots_.emplace_back();
    slot.layout =
        layout_of(parameter.numel(), parameter.scalar_type(), options_.master, options_.state_bits);
    slot.decayed = is_decayed(name);
    slot.index = index;
    index += blocks_of(parameter.numel()) * kStateBlock;
  }
  cut();
  allocate();
}

void AdamW::cut() {
  const int64_t blocks = slots_.empty() ? 0
                                        : slots_.back().index / kStateBlock +
                                              blocks_of(parameters_.back().second.numel());
  const auto first_of = [&](int64_t part) { return part * blocks / options_.parts * kStateBlock; };
  int64_t part = 0;
  for (size_t i = 0; i < slots_.size(); ++i) {
    const int64_t index = slots_[i].index;
    const int64_t size = parameters_[i].second.numel();
    for (int64_t begin = 0; begin < size;) {
      while (index + begin >= first_of(part + 1)) ++part;
      const int64_t end = std::min(size, first_of(part + 1) - index);
      pieces_.push_back({i, begin, end - begin, part});
      begin = end;
    }
  }
  for (const Piece& piece : pieces_) {
    if (piece.part != options_.part) continue;
    slots_[piece.parameter].begin = piece.begin;
    slots_[piece.parameter].size = piece.size;
  }
}

void AdamW::allocate() {
  // One arena per kind of state and dtype.
  std::map<torch::Dtype, Arena> first, second;
  Arena first_scale, second_scale, remainder;
  for (const bool is_sizing : {true, false}) {
    for (size_t i = 0; i < slots_.size(); ++i) {
      Slot& slot = slots_[i];
      if (slot.size == 0) continue;
      const torch::Tensor& parameter = parameters_[i].second;
      const int64_t blocks = blocks_of(slot.size);
      const std::vector<int64_t> own_sizes =
          slot.size == parameter.numel() ? parameter.sizes().vec() : std::vector{slot.size};
      const torch::Dtype dtype = state_dtype(slot.layout);
      const auto place = [&](Arena& arena, torch::Tensor& part, torch::Dtype part_dtype,
                             torch::IntArrayRef sizes, int64_t padded) {
        if (is_sizing) return arena.reserve(padded);
        part = arena.take(sizes, padded, parameter.options().dtype(part_dtype));
      };
      place(first[dtype], slot.first, dtype, own_sizes, blocks * kStateBlock);
      place(second[dtype], slot.second, dtype, own_sizes, blocks * kStateBlock);
      if (slot.layout.state == State::kBlock8) {
        place(first_scale, slot.first_scale, torch::kFloat32, {blocks}, blocks);
        place(second_scale, slot.second_scale, torch::kFloat32, {blocks}, blocks);
      }
      if (slot.layout.master == Master::kSplit) {
        place(remainder, slot.remainder, torch::kInt16, own_sizes, blocks * kStateBlock);
      }
    }
  }
}

torch::Tensor AdamW::own_elements(size_t index, const torch::Tensor& whole) const {
  const Slot& slot = slots_[index];
  if (!whole.defined() || slot.size == whole.numel()) return whole;
  if (slot.size == 0) return {};
  return whole.view({-1}).narrow(0, slot.begin, slot.size);
}

double AdamW::gradient_norm() const {
  torch::NoGradGuard no_grad;
  const torch::Device device = parameters_.front().second.device();
  std::vector<torch::Tensor> gradients;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const torch::Tensor own = own_elements(i, dense_gradient(parameters_[i].second));
    if (own.defined()) gradients.push_back(own);
  }
  if (!device.is_cpu()) return std::sqrt(sum_squares_on_gpu(gradients, device));
  std::vector<torch::Tensor> norms;
  for (const torch::Tensor& gradient : gradients) {
    const auto dtype = gradient.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
    norms.push_back(at::norm(gradient, 2, dtype));
  }
  return norms.empty() ? 0.0
                       : torch::stack(norms).to(torch::kCPU, torch::kDouble).norm().item<double>();
}

std::string AdamW::first_nonfinite_gradient() const {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const torch::Tensor own = own_elements(i, dense_gradient(parameters_[i].second));
    if (own.defined() && !at::isfinite(own).all().item<bool>()) return parameters_[i].first;
  }
  return "";
}

kernels::AdamWNumbers AdamW::numbers(double lr, double gradient_scale) const {
  const auto step = static_cast<double>(steps_);
  const auto key = [&](uint64_t stream) {
    const uint64_t bits = mix_bits(options_.seed, stream, static_cast<uint64_t>(steps_));
    return kernels::RandomKey{static_cast<uint32_t>(bits), static_cast<uint32_t>(bits >> 32)};
  };
  return {.beta1 = options_.beta1,
          .beta2 = options_.beta2,
          .epsilon = options_.epsilon,
          .step_size = lr / (1 - std::pow(options_.beta1, step)),
          .root_bias2 = std::sqrt(1 - std::pow(options_.beta2, step)),
          .gradient_scale = gradient_scale,
          .weight_key = key(1),
          .state_key = key(2)};
}

void AdamW::run(const std::vector<size_t>& indices, double lr, double gradient_scale) {
  torch::NoGradGuard no_grad;
  struct Group {
    kernels::AdamWLayout layout;
    std::vector<kernels::AdamWTensor> tensors;
  };
  std::map<std::tuple<DType, Master, State>, Group> groups;
  std::vector<torch::Tensor> kept_alive;
  for (const size_t i : indices) {
    const Slot& slot = slots_[i];
    const torch::Tensor parameter = own_elements(i, parameters_[i].second.detach());
    const torch::Tensor gradient = own_elements(i, dense_gradient(parameters_[i].second));
    if (!gradient.defined()) continue;
    kept_alive.push_back(gradient);
    Group& group = groups[{slot.layout.dtype, slot.layout.master, slot.layout.state}];
    group.layout = slot.layout;
    group.tensors.push_back({.parameter = parameter.data_ptr(),
                             .gradient = gradient.const_data_ptr(),
                             .remainder = pointer<int16_t>(slot.remainder),
                             .first = slot.first.data_ptr(),
                             .second = slot.second.data_ptr(),
                             .first_scale = pointer<float>(slot.first_scale),
                             .second_scale = pointer<float>(slot.second_scale),
                             .size = slot.size,
                             .index = slot.index + slot.begin,
                             .decay = slot.decayed ? lr * options_.weight_decay : 0.0});
  }
  const kernels::AdamWNumbers step_numbers = numbers(lr, gradient_scale);
  for (const auto& [key, group] : groups) {
    run_adamw(group.tensors, group.layout, step_numbers, parameters_.front().second.device());
  }
}

void AdamW::step(double lr, double gradient_scale) {
  begin_step();
  std::vector<size_t> all(parameters_.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  run(all, lr, gradient_scale);
}

void AdamW::update(size_t index, double lr) { run({index}, lr, 1.0); }

void AdamW::zero_gradients() {
  for (auto& [name, parameter] : parameters_) parameter.mutable_grad() = torch::Tensor();
}

std::vector<AdamW::StatePart> AdamW::state() const {
  std::vector<StatePart> state;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const torch::Tensor& parameter = parameters_[i].second;
    const Slot& slot = slots_[i];
    const std::vector<int64_t> sizes = parameter.sizes().vec();
    const std::vector<int64_t> blocks = {blocks_of(parameter.numel())};
    const torch::Dtype dtype = state_dtype(slot.layout);
    const auto add = [&](const char* kind, const std::vector<int64_t>& whole, torch::Dtype type,
                         int64_t unit, const torch::Tensor& own) {
      state.push_back({kind + parameters_[i].first, i, whole, type, unit, own});
    };
    add("exp_avg.", sizes, dtype, 1, slot.first);
    add("exp_avg_sq.", sizes, dtype, 1, slot.second);
    if (slot.layout.state == State::kBlock8) {
      add("exp_avg_scale.", blocks, torch::kFloat32, kStateBlock, slot.first_scale);
      add("exp_avg_sq_scale.", blocks, torch::kFloat32, kStateBlock, slot.second_scale);
    }
    if (slot.layout.master == Master::kSplit) {
      add("remainder.", sizes, torch::kInt16, 1, slot.remainder);
    }
  }
  return state;
}

void AdamW::load_state(const std::function<torch::Tensor(const std::string&)>& find,
                       int64_t steps) {
  torch::NoGradGuard no_grad;
  for (const StatePart& part : state()) {
    if (!part.own.defined()) continue;
    const torch::Tensor saved = find(part.name);
    if (saved.sizes() != part.sizes || saved.scalar_type() != part.dtype) {
      user_error("checkpoint: optimizer state '", part.name, "' does not fit the model");
    }
    const int64_t begin = slots_[part.parameter].begin / part.unit;
    part.own.view({-1}).copy_(saved.reshape({-1}).narrow(0, begin, part.own.numel()));
  }
  steps_ = steps;
}

int64_t AdamW::state_bytes() const {
  int64_t bytes = 0;
  for (const StatePart& part : state()) {
    if (part.own.defined()) bytes += static_cast<int64_t>(part.own.nbytes());
  }
  return bytes;
}

}  // namespace unlearn::train
