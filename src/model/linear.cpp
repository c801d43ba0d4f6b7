// Linear layers, plain, adapted and packed.
#include "model/low_rank.h"
#include "model/modules.h"
#include "model/swiglu.h"
#include "unlearn/core/error.h"
#include "unlearn/model/weight_format.h"

namespace unlearn::model {
namespace {

// A parameter under PEFT's name: <layer>.lora_A.weight.
class Factor : public torch::nn::Module {
 public:
  explicit Factor(const torch::Tensor& value) { register_parameter("weight", value); }
};

}  // namespace

Linear::Linear(const Placement& placement, int64_t in, int64_t out, bool has_bias,
               WeightLayout layout)
    : in_(in), out_(out), layout_(layout) {
  const bool is_out_in = layout == WeightLayout::kOutIn;
  weight = register_parameter("weight",
                              is_out_in ? placement.empty({out, in}) : placement.empty({in, out}));
  if (has_bias) bias = register_parameter("bias", placement.empty({out}));
}

torch::Tensor Linear::forward(const torch::Tensor& x) const {
  if (is_plain()) return linear_layer(x, turned(weight), bias, precision_);
  return frozen_linear(x, {.weight = packed_ ? weight : turned(weight),
                           .packed = packed_.get(),
                           .bias = bias,
                           .low_rank = low_rank_.get(),
                           .training = is_training()});
}

torch::Tensor Linear::forward_swiglu(const torch::Tensor& gate,
                                     const std::optional<torch::Tensor>& up) const {
  if (!is_plain()) return forward(swiglu(gate, up));
  return swiglu_linear(gate, up, turned(weight), bias, precision_);
}

// frozen_linear() keeps its input for the pair alone, a plain layer for the weight's gradient.
ModuleKept Linear::kept(const KeptContext& context) const {
  ModuleKept kept;
  if (low_rank_) kept.inside.token = low_rank_->a.size(0) * context.element();
  kept.input = low_rank_ || (weight.defined() && weight.requires_grad());
  return kept;
}

int64_t Linear::kept_swiglu(const KeptContext& context) const {
  const int64_t factor = in_ * context.element();
  const ModuleKept own = kept(context);
  return 2 * factor + own.inside.token + (own.input && !is_plain() ? factor : 0);
}

torch::TensorOptions Linear::placement() const {
  if (!packed_) return torch::TensorOptions().dtype(weight.scalar_type()).device(weight.device());
  return torch::TensorOptions().dtype(packed_->dtype).device(packed_->device());
}

void Linear::add_to_matrix(const torch::Tensor& delta) {
  UNLEARN_CHECK(!packed_, "a packed weight cannot be changed");
  const torch::NoGradGuard no_grad;
  weight.copy_(weight.to(torch::kFloat) + turned(delta).to(weight.device()));
}

void Linear::set_low_rank(std::shared_ptr<LowRank> pair) {
  if (low_rank_) {
    unregister_module("lora_A");
    unregister_module("lora_B");
  }
  low_rank_ = std::move(pair);
  if (!low_rank_) return;
  register_module("lora_A", std::make_shared<Factor>(low_rank_->a));
  register_module("lora_B", std::make_shared<Factor>(low_rank_->b));
}

void Linear::pack(const torch::Tensor& stored, const WeightFormat& format, torch::Device device,
                  const std::string& where) {
  const torch::Tensor matrix = turned(stored);
  UNLEARN_CHECK(matrix.size(0) == out_ && matrix.size(1) == in_);
  packed_ = std::make_shared<PackedMatrix>(PackedMatrix::pack(format, matrix, where));
  packed_->to(device);
  if (weight.defined()) parameters_.erase("weight");
  weight = torch::Tensor();
}

void Linear::plan_pack(const WeightFormat& format) {
  packed_ = std::make_shared<PackedMatrix>();
  packed_->format = &format;
  if (weight.defined()) parameters_.erase("weight");
  weight = torch::Tensor();
}

void Linear::unpack() {
  if (!packed_) return;
  weight = register_parameter("weight", turned(packed_->unpack()).contiguous());
  packed_.reset();
}

}  // namespace unlearn::model
