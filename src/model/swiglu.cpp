#include "model/swiglu.h"

#include <torch/csrc/autograd/custom_function.h>

#include "unlearn/runtime/fused.h"
#include "unlearn/runtime/products.h"

namespace unlearn::model {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

struct Factors {
  Tensor gate, up;
};
Factors factors_of(const Tensor& gate, const std::optional<Tensor>& up) {
  if (up) return {gate, *up};
  const auto halves = gate.chunk(2, -1);
  return {halves[0], halves[1]};
}

Tensor product(const Factors& factors) {
  if (const auto fused = runtime::fused_swiglu(factors.gate, factors.up)) return *fused;
  return torch::silu(factors.gate).mul_(factors.up);
}

// The gradients of what forward() was given; `product` as in fused_swiglu_backward().
struct InputGradients {
  Tensor gate, up;
};
InputGradients input_gradients(const Tensor& gradient, const Factors& factors, bool are_joined,
                               Tensor* product = nullptr) {
  const auto& [gate, up] = factors;
  const auto joined = [&](const Tensor& of_gate, const Tensor& of_up) {
    return are_joined ? InputGradients{at::cat({of_gate, of_up}, -1), {}}
                      : InputGradients{of_gate, of_up};
  };
  if (const auto fused = runtime::fused_swiglu_backward(gradient, gate, up, product)) {
    return fused->both.defined() ? InputGradients{fused->both, {}} : joined(fused->gate, fused->up);
  }
  return joined(at::silu_backward(gradient * up, gate), torch::silu(gate).mul_(gradient));
}

class SwigluFunction : public torch::autograd::Function<SwigluFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& gate,
                        const std::optional<Tensor>& up) {
    context->save_for_backward({gate, up.value_or(Tensor())});
    return product(factors_of(gate, up));
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const bool are_joined = !saved[1].defined();
    const auto [gate, up] =
        input_gradients(gradients[0], factors_of(saved[0], up_of(saved)), are_joined);
    return {gate, up};
  }

  static std::optional<Tensor> up_of(const tensor_list& saved) {
    return saved[1].defined() ? std::optional<Tensor>(saved[1]) : std::nullopt;
  }
};

class SwigluLinearFunction : public torch::autograd::Function<SwigluLinearFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& gate,
                        const std::optional<Tensor>& up, const Tensor& weight,
                        const std::optional<Tensor>& bias, Precision precision) {
    context->save_for_backward({gate, up.value_or(Tensor()), weight});
    context->saved_data["has_bias"] = bias.has_value();  // an absent one is no input in backward()
    context->saved_data["precision"] = static_cast<int64_t>(precision);
    return linear_product(product(factors_of(gate, up)), weight, bias.value_or(Tensor()),
                          precision);
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const bool are_joined = !saved[1].defined();
    const Factors factors = factors_of(saved[0], SwigluFunction::up_of(saved));
    const Tensor& weight = saved[2];
    const Tensor& gradient = gradients[0];
    const size_t weight_input = are_joined ? 1 : 2;
    const auto precision = static_cast<Precision>(context->saved_data["precision"].toInt());
    const auto inner_gradient = [&] { return linear_input_gradient(gradient, weight, precision); };
    Tensor bias_gradient;
    if (context->saved_data["has_bias"].toBool() && context->needs_input_grad(weight_input + 1)) {
      bias_gradient = gradient.sum(0);
    }
    const bool needs_weight = context->needs_input_grad(weight_input);
    Tensor weight_gradient;
    if (runtime::fuses_swiglu(factors.gate, factors.up)) {
      Tensor inner;
      const auto [gate, up] = input_gradients(inner_gradient(), factors, are_joined, &inner);
      if (needs_weight) weight_gradient = runtime::mm(gradient.t(), inner);
      return {gate, up, weight_gradient, bias_gradient, Tensor()};
    }
    // The product goes before the rest comes: no more is alive at a time.
    if (needs_weight) weight_gradient = runtime::mm(gradient.t(), product(factors));
    const auto [gate, up] = input_gradients(inner_gradient(), factors, are_joined);
    return {gate, up, weight_gradient, bias_gradient, Tensor()};
  }
};

}  // namespace

Tensor swiglu(const Tensor& gate, const std::optional<Tensor>& up) {
  return SwigluFunction::apply(gate, up);
}

Tensor swiglu_linear(const Tensor& gate, const std::optional<Tensor>& up, const Tensor& weight,
                     const Tensor& bias, Precision precision) {
  return SwigluLinearFunction::apply(
      gate, up, weight, bias.defined() ? std::optional<Tensor>(bias) : std::nullopt, precision);
}

}  // namespace unlearn::model
