#include "model/low_rank.h"

#include <torch/csrc/autograd/custom_function.h>

#include "unlearn/core/rng.h"
#include "unlearn/runtime/dropout.h"
#include "unlearn/runtime/products.h"

namespace unlearn::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

class FrozenLinearFunction : public torch::autograd::Function<FrozenLinearFunction> {
 public:
  // A and B are optional: a frozen layer without them still must not keep an unpacked weight.
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x,
                               const std::optional<torch::Tensor>& a,
                               const std::optional<torch::Tensor>& b, const FrozenLinear& layer,
                               double scale, const runtime::DropoutDraw& draw) {
    const torch::Tensor weight = layer.packed ? layer.packed->unpack() : layer.weight;
    torch::Tensor y = runtime::linear(x, weight, layer.bias);
    torch::Tensor inner;  // [T, rank]
    if (a) {
      inner = at::mm(drop(x, draw), a->t());
      y.addmm_(inner, b->t(), 1, scale);
    }
    tensor_list saved{a ? x : torch::Tensor(), a.value_or(torch::Tensor()),
                      b.value_or(torch::Tensor()), inner, layer.packed ? torch::Tensor() : weight};
    if (layer.packed) layer.packed->save(saved, context->saved_data);
    context->save_for_backward(std::move(saved));
    context->saved_data["scale"] = scale;
    context->saved_data["probability"] = draw.probability;
    context->saved_data["key"] = static_cast<int64_t>(draw.key);
    context->saved_data["first_token"] = draw.first_token;
    return y;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &a = saved[1], &b = saved[2], &inner = saved[3];
    const auto& numbers = context->saved_data;
    const double scale = numbers.at("scale").toDouble();
    const runtime::DropoutDraw draw{numbers.at("probability").toDouble(),
                                    static_cast<uint64_t>(numbers.at("key").toInt()),
                                    numbers.at("first_token").toInt()};
    const torch::Tensor& gradient = gradients[0];
    torch::Tensor dx, da, db;
    if (context->needs_input_grad(0)) {
      dx = runtime::mm(gradient, saved[4].defined()
                                     ? saved[4]
                                     : PackedMatrix::restore(saved, kPlain, numbers).unpack());
    }
    if (a.defined()) {
      const torch::Tensor narrow = at::mm(gradient, b).mul_(scale);  // [T, rank]
      const torch::Tensor mask =
          draw.probability > 0 ? runtime::dropout_mask(x, draw) : torch::Tensor();
      if (dx.defined()) {
        if (mask.defined()) {
          dx.add_(at::mm(narrow, a).mul_(mask));
        } else {
          dx.addmm_(narrow, a);
        }
      }
      da = at::mm(narrow.t(), mask.defined() ? x * mask : x);
      db = at::mm(gradient.t(), inner).mul_(scale);
    }
    return {dx, da, db, torch::Tensor(), torch::Tensor(), torch::Tensor()};
  }

 private:
  static constexpr size_t kPlain = 5;  // saved tensors before the packed weight's

  static torch::Tensor drop(const torch::Tensor& x, const runtime::DropoutDraw& draw) {
    return draw.probability > 0 ? x * runtime::dropout_mask(x, draw) : x;
  }
};

}  // namespace

torch::Tensor frozen_linear(const torch::Tensor& x, const FrozenLinear& layer) {
  const LowRank* pair = layer.low_rank;
  if (pair == nullptr) {
    return FrozenLinearFunction::apply(x, std::optional<torch::Tensor>(),
                                       std::optional<torch::Tensor>(), layer, 0.0,
                                       runtime::DropoutDraw{});
  }
  runtime::DropoutDraw draw;
  if (layer.training && pair->dropout > 0) {
    draw = {pair->dropout, mix_bits(pair->key, static_cast<uint64_t>(pair->position->step)),
            pair->position->first_token};
  }
  return FrozenLinearFunction::apply(x, std::optional<torch::Tensor>(pair->a),
                                     std::optional<torch::Tensor>(pair->b), layer, pair->scale,
                                     draw);
}

}  // namespace unlearn::model
