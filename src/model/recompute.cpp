#include "model/recompute.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

namespace unlearn::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// Autograd contexts carry values of LibTorch's own types only; this makes the function one.
struct PartHolder : public torch::CustomClassHolder {
  explicit PartHolder(Part function) : part(std::move(function)) {}
  Part part;
};

class RecomputeFunction : public torch::autograd::Function<RecomputeFunction> {
 public:
  // `anchor` requires a gradient, so that the result does even when x does not (frozen embedding).
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& /*anchor*/, const Part& part) {
    context->save_for_backward({x});
    context->saved_data["part"] = c10::IValue::make_capsule(c10::make_intrusive<PartHolder>(part));
    return part(x);
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto holder = context->saved_data["part"].toCapsule();
    torch::Tensor input = context->get_saved_variables()[0].detach();
    input.set_requires_grad(context->needs_input_grad(0));
    torch::Tensor output;
    {
      const torch::AutoGradMode with_graph(true);
      output = static_cast<const PartHolder&>(*holder).part(input);
    }
    if (output.requires_grad()) torch::autograd::backward({output}, {gradients[0]});
    return {input.grad(), torch::Tensor(), torch::Tensor()};
  }
};

}  // namespace

torch::Tensor recomputed(const torch::Tensor& x, const Part& part) {
  if (!torch::GradMode::is_enabled()) return part(x);
  return RecomputeFunction::apply(x, torch::zeros({}, torch::requires_grad()), part);
}

}  // namespace unlearn::model
