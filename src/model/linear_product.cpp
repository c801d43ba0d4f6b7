#include "model/linear_product.h"

#include <torch/csrc/autograd/custom_function.h>

#include "unlearn/runtime/fp8.h"
#include "unlearn/runtime/products.h"

namespace unlearn::model {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

class LinearFunction : public torch::autograd::Function<LinearFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const std::optional<Tensor>& bias, Precision precision) {
    // A frozen weight's gradient needs no x: what is kept is what ModuleKept counts.
    context->save_for_backward({weight.requires_grad() ? x : Tensor(), weight});
    context->saved_data["has_bias"] = bias.has_value();  // an absent one is no input in backward()
    context->saved_data["precision"] = static_cast<int64_t>(precision);
    return linear_product(x, weight, bias.value_or(Tensor()), precision);
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], &gradient = gradients[0];
    const auto precision = static_cast<Precision>(context->saved_data["precision"].toInt());
    Tensor of_x, of_weight, of_bias;
    if (context->needs_input_grad(0)) of_x = linear_input_gradient(gradient, weight, precision);
    if (context->needs_input_grad(1)) of_weight = runtime::mm(gradient.t(), x);
    if (context->saved_data["has_bias"].toBool() && context->needs_input_grad(2)) {
      of_bias = gradient.sum(0);
    }
    return {of_x, of_weight, of_bias, Tensor()};
  }
};

}  // namespace

Tensor linear_product(const Tensor& x, const Tensor& weight, const Tensor& bias,
                      Precision precision) {
  if (precision == Precision::kModel) return runtime::linear(x, weight, bias);
  return runtime::fp8_product(runtime::fp8_rows(x.contiguous()), runtime::fp8_rows(weight), bias);
}

Tensor linear_input_gradient(const Tensor& gradient, const Tensor& weight, Precision precision) {
  if (precision == Precision::kModel) return runtime::mm(gradient, weight);
  return runtime::fp8_product(runtime::fp8_rows(gradient.contiguous()),
                              runtime::fp8_columns(weight));
}

Tensor linear_layer(const Tensor& x, const Tensor& weight, const Tensor& bias,
                    Precision precision) {
  return LinearFunction::apply(
      x, weight, bias.defined() ? std::optional<Tensor>(bias) : std::nullopt, precision);
}

}  // namespace unlearn::model
