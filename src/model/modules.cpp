#include "model/modules.h"

#include "unlearn/core/error.h"
#include "unlearn/runtime/fused.h"

namespace unlearn::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// Statistics never run in a dtype narrower than fp32.
torch::Tensor widen(const torch::Tensor& x) {
  return x.scalar_type() == torch::kFloat64 ? x : x.to(torch::kFloat32);
}

// Saves x and one number per row; ATen's composite rms_norm saves four tensors of x's size.
class RmsNormFunction : public torch::autograd::Function<RmsNormFunction> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight, double eps, RmsWeight kind) {
    if (kind == RmsWeight::kNarrow) {
      if (const auto fused = runtime::fused_rms_norm(x, weight, eps)) {
        context->save_for_backward({x, weight, fused->scale});
        context->saved_data["fused"] = true;
        return fused->out;
      }
    }
    const torch::Tensor wide = widen(x);
    const torch::Tensor scale = wide.square().mean(-1, /*keepdim=*/true).add_(eps).rsqrt_();
    context->save_for_backward({x, weight, scale});
    context->saved_data["one_plus"] = kind == RmsWeight::kOnePlus;
    torch::Tensor normal = wide * scale;
    if (kind == RmsWeight::kNarrow) return normal.to(x.scalar_type()).mul_(weight);
    return normal.mul_(factor(weight, kind == RmsWeight::kOnePlus)).to(x.scalar_type());
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor& x = saved[0];
    const torch::Tensor& weight = saved[1];
    const torch::Tensor& scale = saved[2];
    if (context->saved_data.count("fused") != 0) {
      const auto fused = runtime::fused_rms_norm_backward(gradients[0], x, weight, scale,
                                                          context->needs_input_grad(1));
      UNLEARN_CHECK(fused.has_value(), "the forward pass was fused, the backward pass is not");
      return {fused->x, fused->weight, torch::Tensor(), torch::Tensor()};
    }
    const torch::Tensor normal = widen(x) * scale;
    torch::Tensor gradient = widen(gradients[0]);
    torch::Tensor weight_gradient;
    if (context->needs_input_grad(1)) {
      weight_gradient =
          (gradient * normal).reshape({-1, weight.size(0)}).sum(0).to(weight.scalar_type());
    }
    torch::Tensor x_gradient;
    if (context->needs_input_grad(0)) {
      gradient = gradient * factor(weight, context->saved_data["one_plus"].toBool());
      const torch::Tensor along = (gradient * normal).mean(-1, /*keepdim=*/true);
      x_gradient = gradient.sub_(normal * along).mul_(scale).to(x.scalar_type());
    }
    return {x_gradient, weight_gradient, torch::Tensor(), torch::Tensor()};
  }

 private:
  static torch::Tensor factor(const torch::Tensor& weight, bool one_plus) {
    return one_plus ? widen(weight) + 1.0 : widen(weight);
  }
};

}  // namespace

Embedding::Embedding(const Placement& placement, int64_t rows, int64_t width, int64_t padding_row)
    : weight(register_parameter("weight", placement.empty({rows, width}))),
      padding_row_(padding_row) {}

RmsNorm::RmsNorm(const Placement& placement, int64_t width, double eps, RmsWeight kind)
    : weight(register_parameter("weight", placement.empty({width}))), eps_(eps), kind_(kind) {}

torch::Tensor RmsNorm::forward(const torch::Tensor& x) const {
  return RmsNormFunction::apply(x, weight, eps_, kind_);
}

ModuleKept RmsNorm::kept(const KeptContext& context, int64_t rows) const {
  return {.inside = {rows * context.wide(), 0}, .input = true};
}

LayerNorm::LayerNorm(const Placement& placement, int64_t width, double eps)
    : weight(register_parameter("weight", placement.empty({width}))),
      bias(register_parameter("bias", placement.empty({width}))),
      eps_(eps) {}

torch::Tensor LayerNorm::forward(const torch::Tensor& x) const {
  return torch::layer_norm(x, {weight.size(0)}, weight, bias, eps_);
}

// Mean and deviation of each row.
ModuleKept LayerNorm::kept(const KeptContext& context, int64_t rows) const {
  return {.inside = {2 * rows * context.wide(), 0}, .input = true};
}

PerHeadLayerNorm::PerHeadLayerNorm(const Placement& placement, int64_t heads, int64_t head_dim,
                                   double eps)
    : eps_(eps) {
  const auto norms = register_module("norms", std::make_shared<torch::nn::Module>());
  for (int64_t i = 0; i < heads; ++i) {
    const auto norm =
        norms->register_module(std::to_string(i), std::make_shared<torch::nn::Module>());
    weights_.push_back(norm->register_parameter("weight", placement.empty({head_dim})));
  }
}

torch::Tensor PerHeadLayerNorm::forward(const torch::Tensor& x) const {
  return torch::layer_norm(x, {x.size(-1)}, {}, {}, eps_) * torch::stack(weights_);
}

// The weights' gradient needs what they multiply.
ModuleKept PerHeadLayerNorm::kept(const KeptContext& context, int64_t rows) const {
  const torch::Tensor& first = weights_.front();
  const int64_t normal = first.requires_grad() ? rows * first.size(0) * context.element() : 0;
  return {.inside = {2 * rows * context.wide() + normal, 0}, .input = true};
}

torch::Tensor activate(const torch::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kSilu:
      return torch::silu(x);
    case Activation::kGelu:
      return torch::gelu(x);
    case Activation::kGeluTanh:
      return torch::gelu(x, "tanh");
    case Activation::kRelu:
      return torch::relu(x);
  }
  UNLEARN_CHECK(false, "unknown activation");
}

GatedMlp::GatedMlp(const Placement& placement, const MlpOptions& options)
    : activation_(options.activation) {
  const auto linear = [&](const char* name, int64_t in, int64_t out) {
    return register_module(name, std::make_shared<Linear>(placement, in, out, options.has_bias));
  };
  if (options.is_fused) {
    gate_up_ = linear("gate_up_proj", options.width, 2 * options.inner);
  } else {
    gate_ = linear("gate_proj", options.width, options.inner);
    up_ = linear("up_proj", options.width, options.inner);
  }
  down_ = linear("down_proj", options.inner, options.width);
}

torch::Tensor GatedMlp::forward(const torch::Tensor& x) const {
  const bool is_swiglu = activation_ == Activation::kSilu;
  if (gate_up_) {
    const torch::Tensor both = gate_up_->forward(x);
    if (is_swiglu) return down_->forward_swiglu(both, std::nullopt);
    const auto parts = both.chunk(2, -1);
    return down_->forward(activate(parts[0], activation_) * parts[1]);
  }
  const torch::Tensor gate = gate_->forward(x);
  const torch::Tensor up = up_->forward(x);
  if (is_swiglu) return down_->forward_swiglu(gate, up);
  return down_->forward(activate(gate, activation_) * up);
}

ModuleKept GatedMlp::kept(const KeptContext& context) const {
  const int64_t inner = down_->in_features() * context.element();
  ModuleKept kept{.work = {3 * inner, 0}};
  for (const Linear* projection : {gate_up_.get(), gate_.get(), up_.get()}) {
    if (projection == nullptr) continue;
    const ModuleKept own = projection->kept(context);
    kept.inside += own.inside;
    kept.input |= own.input;
  }
  if (activation_ == Activation::kSilu) {
    kept.inside.token += down_->kept_swiglu(context);
    return kept;
  }
  // The activated gate and the other factor, the gate (part of one tensor with the other factor
  // where they are fused), and their product.
  const ModuleKept down = down_->kept(context);
  kept.inside += down.inside;
  kept.inside.token += 2 * inner;
  if (keeps_input(activation_) || gate_up_) kept.inside.token += inner;
  if (down.input) kept.inside.token += inner;
  return kept;
}

PlainMlp::PlainMlp(const Placement& placement, const MlpOptions& options, const std::string& first,
                   const std::string& second)
    : activation_(options.activation),
      first_(
          register_module(first, std::make_shared<Linear>(placement, options.width, options.inner,
                                                          options.has_bias, options.layout))),
      second_(
          register_module(second, std::make_shared<Linear>(placement, options.inner, options.width,
                                                           options.has_bias, options.layout))) {}

torch::Tensor PlainMlp::forward(const torch::Tensor& x) const {
  return second_->forward(activate(first_->forward(x), activation_));
}

ModuleKept PlainMlp::kept(const KeptContext& context) const {
  const int64_t inner = second_->in_features() * context.element();
  const ModuleKept first = first_->kept(context);
  const ModuleKept second = second_->kept(context);
  ModuleKept kept{.inside = first.inside + second.inside, .input = first.input};
  if (keeps_input(activation_)) kept.inside.token += inner;
  if (second.input || !keeps_input(activation_)) kept.inside.token += inner;
  kept.work = {3 * inner, 0};
  return kept;
}

}  // namespace unlearn::model
