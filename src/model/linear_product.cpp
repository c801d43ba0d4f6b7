#include "model/linear_product.h"

#include <torch/csrc/autograd/custom_function.h>

#include "unlearn/runtime/fp8.h"

namespace unlearn::model {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

class Fp8LinearFunction : public torch::autograd::Function<Fp8LinearFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const std::optional<Tensor>& bias) {
    context->save_for_backward({x, weight});
    context->saved_data["has_bias"] = bias.has_value();  // an absent one is no input in backward()
    return linear_product(x, weight, bias.value_or(Tensor()), Precision::kFp8);
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], &gradient = gradients[0];
    Tensor of_x, of_weight, of_bias;
    if (context->needs_input_grad(0)) {
      of_x = linear_input_gradient(gradient, weight, Precision::kFp8);
    }
    if (context->needs_input_grad(1)) of_weight = at::mm(gradient.t(), x);
    if (context->saved_data["has_bias"].toBool() && context->needs_input_grad(2)) {
      of_bias = gradient.sum(0);
    }
    return {of_x, of_weight, of_bias};
  }
};

}  // namespace

Tensor linear_product(const Tensor& x, const Tensor& weight, const Tensor& bias,
                      Precision precision) {
  if (precision == Precision::kModel) {
    return at::linear(x, weight, bias.defined() ? std::optional<Tensor>(bias) : std::nullopt);
  }
  return runtime::fp8_product(runtime::fp8_rows(x.contiguous()), runtime::fp8_rows(weight), bias);
}

Tensor linear_input_gradient(const Tensor& gradient, const Tensor& weight, Precision precision) {
  if (precision == Precision::kModel) return at::mm(gradient, weight);
  return runtime::fp8_product(runtime::fp8_rows(gradient.contiguous()),
                              runtime::fp8_columns(weight));
}

Tensor fp8_linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return Fp8LinearFunction::apply(x, weight,
                                  bias.defined() ? std::optional<Tensor>(bias) : std::nullopt);
}

}  // namespace unlearn::model
