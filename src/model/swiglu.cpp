#include "model/swiglu.h"

#include <torch/csrc/autograd/custom_function.h>

#include "unlearn/runtime/fused.h"

namespace unlearn::model {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

Tensor product(const Tensor& gate, const Tensor& up) {
  if (const auto fused = runtime::fused_swiglu(gate, up)) return *fused;
  return torch::silu(gate).mul_(up);
}

struct FactorGradients {
  Tensor gate, up;
};
FactorGradients factor_gradients(const Tensor& gradient, const Tensor& gate, const Tensor& up) {
  if (const auto fused = runtime::fused_swiglu_backward(gradient, gate, up))
    return {fused->gate, fused->up};
  return {at::silu_backward(gradient * up, gate), torch::silu(gate).mul_(gradient)};
}

class SwigluFunction : public torch::autograd::Function<SwigluFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& gate, const Tensor& up) {
    context->save_for_backward({gate, up});
    return product(gate, up);
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const FactorGradients result = factor_gradients(gradients[0], saved[0], saved[1]);
    return {result.gate, result.up};
  }
};

class SwigluLinearFunction : public torch::autograd::Function<SwigluLinearFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& gate, const Tensor& up,
                        const Tensor& weight, const std::optional<Tensor>& bias) {
    context->save_for_backward({gate, up, weight});
    context->saved_data["has_bias"] = bias.has_value();  // an absent one is no input in backward()
    return at::linear(product(gate, up), weight, bias);
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &gate = saved[0], &up = saved[1], &weight = saved[2];
    const Tensor& gradient = gradients[0];
    Tensor bias_gradient;
    if (context->saved_data["has_bias"].toBool() && context->needs_input_grad(3)) {
      bias_gradient = gradient.sum(0);
    }
    const bool needs_weight = context->needs_input_grad(2);
    Tensor weight_gradient;
    if (runtime::fuses_swiglu(gate, up)) {
      Tensor inner;
      const auto fused = runtime::fused_swiglu_backward(at::mm(gradient, weight), gate, up, &inner);
      if (needs_weight) weight_gradient = at::mm(gradient.t(), inner);
      return {fused->gate, fused->up, weight_gradient, bias_gradient};
    }
    // The product goes before the rest comes: no more is alive at a time.
    if (needs_weight) weight_gradient = at::mm(gradient.t(), product(gate, up));
    const FactorGradients factors = factor_gradients(at::mm(gradient, weight), gate, up);
    return {factors.gate, factors.up, weight_gradient, bias_gradient};
  }
};

}  // namespace

Tensor swiglu(const Tensor& gate, const Tensor& up) { return SwigluFunction::apply(gate, up); }

Tensor swiglu_linear(const Tensor& gate, const Tensor& up, const Tensor& weight,
                     const Tensor& bias) {
  return SwigluLinearFunction::apply(gate, up, weight,
                                     bias.defined() ? std::optional<Tensor>(bias) : std::nullopt);
}

}  // namespace unlearn::model
