// AdamW with decoupled weight decay (Loshchilov & Hutter, arXiv 1711.05101), as torch.optim.AdamW,
// with an exact or a stochastically rounded master for bf16 weights and state in 32, 16 or 8 bits.
#include "unlearn/runtime/adamw.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "train/optim/optimizers.h"
#include "unlearn/core/error.h"
#include "unlearn/core/rng.h"

namespace unlearn::train {
namespace {

using kernels::DType;
using kernels::kStateBlock;
using kernels::State;

// Norms and biases are vectors, of any width: a rounding error of their state would reach
// everything and save nothing. Nor does that of a small matrix.
constexpr int64_t kSmallTensor = 4096;

kernels::AdamWLayout layout_of(torch::IntArrayRef sizes, torch::Dtype dtype, Master master,
                               int64_t bits) {
  const bool is_small = sizes.size() < 2 || c10::multiply_integers(sizes) < kSmallTensor;
  const bool wide = bits == 32 || is_small || dtype == torch::kFloat64;
  return {runtime::kernel_dtype(dtype), dtype == torch::kBFloat16 ? master : Master::kFull,
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

// The state lies in one flat arena per kind and dtype, each tensor's part starting at a multiple of
// the 8-bit block.
class AdamW : public Optimizer {
 public:
  void visit(config::FieldVisitor& visitor) override {
    visitor.field("beta1", beta1_,
                  {.help = "AdamW's first-moment decay", .min = 0, .max = 0.999999});
    visitor.field("beta2", beta2_,
                  {.help = "AdamW's second-moment decay", .min = 0, .max = 0.99999999});
    visitor.field("epsilon", epsilon_,
                  {.help = "AdamW's epsilon", .min = 0, .exclusive_min = true});
  }
  OptimizerModes modes() const override {
    return {.masters = {Master::kSplit, Master::kStochastic, Master::kRounded},
            .state_bits = {32, 16, 8}};
  }
  int64_t state_bytes(torch::IntArrayRef sizes, torch::Dtype dtype,
                      const OptimizerOptions& options) const override;
  torch::Tensor master(size_t index, int64_t begin, int64_t size) const override;
  std::vector<StatePart> state() const override;

 protected:
  void allocate() override;
  void run(const std::vector<size_t>& indices, double lr, const torch::Tensor& scale) override;

 private:
  struct Slot {
    kernels::AdamWLayout layout;
    // Views into the arenas; undefined where the layout or this process has none.
    torch::Tensor first, second, first_scale, second_scale, remainder;
  };
  kernels::AdamWNumbers numbers(double lr, const torch::Tensor& scale) const;

  double beta1_ = 0.9;
  double beta2_ = 0.999;
  double epsilon_ = 1e-8;
  std::vector<Slot> slots_;
};

int64_t AdamW::state_bytes(torch::IntArrayRef sizes, torch::Dtype dtype,
                           const OptimizerOptions& options) const {
  const int64_t elements = c10::multiply_integers(sizes);
  const kernels::AdamWLayout layout = layout_of(sizes, dtype, options.master, options.state_bits);
  int64_t bytes = 2 * elements * static_cast<int64_t>(torch::elementSize(state_dtype(layout)));
  if (layout.state == State::kBlock8) bytes += 2 * blocks_of(elements) * int64_t{sizeof(float)};
  if (layout.master == Master::kSplit) bytes += elements * int64_t{sizeof(int16_t)};
  return bytes;
}

torch::Tensor AdamW::master(size_t index, int64_t begin, int64_t size) const {
  const torch::Tensor& remainder = slots_[index].remainder;
  if (!remainder.defined()) return Optimizer::master(index, begin, size);
  const torch::Tensor high = parameters().own_weight(index).view({-1}).narrow(0, begin, size);
  torch::Tensor bits = high.view(torch::kShort).to(torch::kInt).bitwise_left_shift_(16);
  bits.add_(remainder.view({-1}).narrow(0, begin, size).to(torch::kInt));
  return bits.view(torch::kFloat);
}

void AdamW::allocate() {
  slots_.assign(parameters().size(), {});
  // One arena per kind of state and dtype.
  std::map<torch::Dtype, Arena> first, second;
  Arena first_scale, second_scale, remainder;
  for (const bool is_sizing : {true, false}) {
    for (size_t i = 0; i < slots_.size(); ++i) {
      Slot& slot = slots_[i];
      const torch::Tensor& parameter = parameters().all()[i].second;
      slot.layout = layout_of(parameter.sizes(), parameter.scalar_type(), options().master,
                              options().state_bits);
      const int64_t size = parameters().own(i).size;
      if (size == 0) continue;
      const int64_t blocks = blocks_of(size);
      const std::vector<int64_t> own_sizes =
          size == parameter.numel() ? parameter.sizes().vec() : std::vector{size};
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

kernels::AdamWNumbers AdamW::numbers(double lr, const torch::Tensor& scale) const {
  const auto step = static_cast<double>(steps_done());
  const auto key = [&](uint64_t stream) {
    const uint64_t bits = mix_bits(options().seed, stream, static_cast<uint64_t>(steps_done()));
    return kernels::RandomKey{static_cast<uint32_t>(bits), static_cast<uint32_t>(bits >> 32)};
  };
  return {.beta1 = beta1_,
          .beta2 = beta2_,
          .epsilon = epsilon_,
          .step_size = lr / (1 - std::pow(beta1_, step)),
          .root_bias2 = std::sqrt(1 - std::pow(beta2_, step)),
          .gradient_scale = scale.const_data_ptr<double>(),
          .weight_key = key(1),
          .state_key = key(2)};
}

void AdamW::run(const std::vector<size_t>& indices, double lr, const torch::Tensor& scale) {
  torch::NoGradGuard no_grad;
  struct Group {
    kernels::AdamWLayout layout;
    std::vector<kernels::AdamWTensor> tensors;
  };
  std::map<std::tuple<DType, Master, State>, Group> groups;
  std::vector<torch::Tensor> kept_alive;
  for (const size_t i : indices) {
    const Slot& slot = slots_[i];
    const torch::Tensor parameter = parameters().own_weight(i);
    const torch::Tensor gradient =
        parameters().own_elements(i, dense_gradient(parameters().all()[i].second));
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
                             .size = parameters().own(i).size,
                             .index = parameters().index(i) + parameters().own(i).begin,
                             .decay = decay(i, lr)});
  }
  const kernels::AdamWNumbers step_numbers = numbers(lr, scale);
  for (const auto& [key, group] : groups) {
    runtime::run_adamw(group.tensors, group.layout, step_numbers, parameters().device());
  }
}

std::vector<StatePart> AdamW::state() const {
  std::vector<StatePart> state;
  for (size_t i = 0; i < slots_.size(); ++i) {
    const auto& [name, parameter] = parameters().all()[i];
    const Slot& slot = slots_[i];
    const std::vector<int64_t> sizes = parameter.sizes().vec();
    const std::vector<int64_t> blocks = {blocks_of(parameter.numel())};
    const torch::Dtype dtype = state_dtype(slot.layout);
    const auto add = [&](const char* kind, const std::vector<int64_t>& whole, torch::Dtype type,
                         int64_t unit, const torch::Tensor& own) {
      state.push_back({kind + parameters().all()[i].first, i, whole, type, unit, own});
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

std::unique_ptr<Optimizer> make_adamw() { return std::make_unique<AdamW>(); }

}  // namespace

Registered<Optimizer> optimizer_adamw() {
  return {"adamw", "Adam with decoupled weight decay; state in 32, 16 or 8 bits", make_adamw};
}

}  // namespace unlearn::train
