#include "unlearn/train/optimizer.h"

#include <cmath>

#include "unlearn/core/error.h"

namespace unlearn::train {
namespace {

bool is_low_precision(const torch::Tensor& parameter) {
  return parameter.scalar_type() == torch::kBFloat16;
}

torch::Tensor zeros_for_state(const torch::Tensor& parameter) {
  const auto dtype = is_low_precision(parameter) ? torch::kFloat : parameter.scalar_type();
  return torch::zeros(parameter.sizes(), parameter.options().dtype(dtype).requires_grad(false));
}

}  // namespace

torch::Tensor join_master(const torch::Tensor& high, const torch::Tensor& low) {
  torch::Tensor bits = high.view(torch::kShort).to(torch::kInt);
  bits.bitwise_left_shift_(16).add_(low.to(torch::kInt));
  return bits.view(torch::kFloat);
}

void split_master(const torch::Tensor& master, torch::Tensor& high, torch::Tensor& low) {
  const torch::Tensor bits = master.view(torch::kInt);
  const torch::Tensor upper = bits.add(0x8000).bitwise_right_shift_(16);
  high.view(torch::kShort).copy_(upper);
  low.copy_(bits.sub(upper.bitwise_left_shift(16)));
}

AdamW::AdamW(NamedTensors parameters, const AdamWOptions& options,
             const std::function<bool(const std::string&)>& is_decayed)
    : parameters_(std::move(parameters)), options_(options) {
  for (const auto& [name, parameter] : parameters_) {
    decayed_.push_back(is_decayed(name));
    exp_avg_.push_back(zeros_for_state(parameter));
    exp_avg_sq_.push_back(zeros_for_state(parameter));
    const bool split = options_.split_master && is_low_precision(parameter);
    remainder_.push_back(
        split ? torch::zeros(parameter.sizes(),
                             parameter.options().dtype(torch::kShort).requires_grad(false))
              : torch::Tensor());
  }
}

double AdamW::gradient_norm() const {
  torch::NoGradGuard no_grad;
  double squares = 0;
  for (const auto& [name, parameter] : parameters_) {
    if (!parameter.grad().defined()) continue;
    const auto dtype = parameter.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
    const double norm = at::norm(parameter.grad(), 2, dtype).item<double>();
    squares += norm * norm;
  }
  return std::sqrt(squares);
}

std::string AdamW::first_nonfinite_gradient() const {
  for (const auto& [name, parameter] : parameters_) {
    if (parameter.grad().defined() && !at::isfinite(parameter.grad()).all().item<bool>())
      return name;
  }
  return "";
}

void AdamW::step(double lr, double gradient_scale) {
  torch::NoGradGuard no_grad;
  ++steps_;
  step_fused(lr, gradient_scale, true);
  step_fused(lr, gradient_scale, false);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (is_low_precision(parameters_[i].second) && parameters_[i].second.grad().defined()) {
      step_bfloat16(i, lr, gradient_scale);
    }
  }
}

void AdamW::step_fused(double lr, double gradient_scale, bool decayed) {
  std::vector<torch::Tensor> weights, gradients, first, second, steps;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const torch::Tensor& parameter = parameters_[i].second;
    if (decayed_[i] != decayed || is_low_precision(parameter) || !parameter.grad().defined()) {
      continue;
    }
    weights.push_back(parameter);
    gradients.push_back(parameter.grad());
    first.push_back(exp_avg_[i]);
    second.push_back(exp_avg_sq_[i]);
    // The kernel reads the number of this update (counted from 1) from a tensor per parameter.
    steps.push_back(torch::full({}, static_cast<double>(steps_),
                                parameter.options().dtype(torch::kFloat).requires_grad(false)));
  }
  if (weights.empty()) return;
  std::optional<torch::Tensor> scale;
  // The kernel divides gradients by its scale.
  if (gradient_scale != 1.0) {
    scale = torch::full({}, 1.0 / gradient_scale,
                        weights[0].options().dtype(torch::kFloat).requires_grad(false));
  }
  at::_fused_adamw_(weights, gradients, first, second, {}, steps, lr, options_.beta1,
                    options_.beta2, decayed ? options_.weight_decay : 0.0, options_.epsilon,
                    /*amsgrad=*/false,
                    /*maximize=*/false, scale);
}

void AdamW::step_bfloat16(size_t index, double lr, double gradient_scale) {
  torch::Tensor& parameter = parameters_[index].second;
  torch::Tensor& remainder = remainder_[index];
  torch::Tensor master = remainder.defined() ? join_master(parameter.detach(), remainder)
                                             : parameter.to(torch::kFloat);
  torch::Tensor gradient = parameter.grad().to(torch::kFloat);
  if (gradient_scale != 1.0) gradient.mul_(gradient_scale);
  const torch::Tensor step_count = torch::full({}, static_cast<double>(steps_), torch::kFloat);
  at::_fused_adamw_({master}, {gradient}, {exp_avg_[index]}, {exp_avg_sq_[index]}, {},
                    {step_count.to(master.device())}, lr, options_.beta1, options_.beta2,
                    decayed_[index] ? options_.weight_decay : 0.0, options_.epsilon, false, false);
  torch::Tensor high = parameter.detach();
  if (remainder.defined()) {
    split_master(master, high, remainder);
  } else {
    high.copy_(master);
  }
}

void AdamW::zero_gradients() {
  for (auto& [name, parameter] : parameters_) parameter.mutable_grad() = torch::Tensor();
}

NamedTensors AdamW::state() const {
  NamedTensors state;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const std::string& name = parameters_[i].first;
    state.emplace_back("exp_avg." + name, exp_avg_[i]);
    state.emplace_back("exp_avg_sq." + name, exp_avg_sq_[i]);
    if (remainder_[i].defined()) state.emplace_back("remainder." + name, remainder_[i]);
  }
  return state;
}

void AdamW::load_state(const std::function<torch::Tensor(const std::string&)>& find,
                       int64_t steps) {
  torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : state()) {
    const torch::Tensor saved = find(name);
    if (saved.sizes() != tensor.sizes() || saved.scalar_type() != tensor.scalar_type()) {
      user_error("checkpoint: optimizer state '", name, "' does not fit the model");
    }
    tensor.copy_(saved);
  }
  steps_ = steps;
}

int64_t AdamW::state_bytes() const {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : state()) bytes += static_cast<int64_t>(tensor.nbytes());
  return bytes;
}

}  // namespace unlearn::train
