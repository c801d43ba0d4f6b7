#include "unlearn/runtime/fused.h"

#include <algorithm>

#include "runtime/launch.h"

namespace unlearn::runtime {
namespace {

// Thread blocks that share the rows of a weight's gradient: two per multiprocessor of a large GPU.
constexpr int64_t kNormParts = 264;
constexpr int64_t kWidestNorm = 8192;

kernels::RmsNorm norm_arguments(const torch::Tensor& x, const torch::Tensor& weight,
                                const torch::Tensor& scale) {
  kernels::RmsNorm args;
  args.dtype = kernel_dtype(x.scalar_type());
  args.width = x.size(-1);
  args.rows = x.numel() / args.width;
  args.x = x.const_data_ptr();
  args.weight = weight.const_data_ptr();
  args.scale = static_cast<float*>(scale.data_ptr());
  return args;
}

// Whether they lie side by side in the rows of one matrix that holds nothing else, and the kernel
// can walk along them in whole runs.
bool are_halves(const torch::Tensor& gate, const torch::Tensor& up) {
  constexpr int64_t kRun = 8;
  if (gate.dim() != 2 || gate.sizes() != up.sizes()) return false;
  const int64_t width = gate.size(1);
  const auto is_half = [&](const torch::Tensor& x) {
    return x.stride(1) == 1 && x.stride(0) == 2 * width;
  };
  return width > 0 && width % kRun == 0 && is_half(gate) && is_half(up) && up.is_alias_of(gate) &&
         up.storage_offset() == gate.storage_offset() + width;
}

kernels::SwigluArgs swiglu_arguments(const torch::Tensor& gate, const torch::Tensor& up) {
  kernels::SwigluArgs args;
  args.dtype = kernel_dtype(gate.scalar_type());
  args.gate = gate.const_data_ptr();
  args.up = up.const_data_ptr();
  args.size = gate.numel();
  if (gate.is_contiguous() && up.is_contiguous()) return args;
  args.width = gate.size(1);
  args.stride = gate.stride(0);
  return args;
}

bool fits_norm(const torch::Tensor& x, const torch::Tensor& weight) {
  return x.is_contiguous() && x.size(-1) <= kWidestNorm && weight.scalar_type() == x.scalar_type();
}

}  // namespace

std::optional<FusedNorm> fused_rms_norm(const torch::Tensor& x, const torch::Tensor& weight,
                                        double epsilon) {
  const kernels::CudaLibrary* library = kernels_for(x);
  if (library == nullptr || !fits_norm(x, weight)) return std::nullopt;
  FusedNorm result{torch::empty_like(x),
                   torch::empty({x.numel() / x.size(-1)}, x.options().dtype(torch::kFloat32))};
  kernels::RmsNorm args = norm_arguments(x, weight, result.scale);
  args.epsilon = static_cast<float>(epsilon);
  args.out = result.out.data_ptr();
  check_launch(library->rms_norm_forward(&args, current_stream(x.device())), "rms_norm");
  return result;
}

std::optional<FusedNormGradient> fused_rms_norm_backward(const torch::Tensor& gradient,
                                                         const torch::Tensor& x,
                                                         const torch::Tensor& weight,
                                                         const torch::Tensor& scale,
                                                         bool needs_weight) {
  const kernels::CudaLibrary* library = kernels_for(x);
  if (library == nullptr || !fits_norm(x, weight)) return std::nullopt;
  const torch::Tensor dense = gradient.contiguous();
  kernels::RmsNorm args = norm_arguments(x, weight, scale);
  const int64_t most =
      args.width <= kernels::kShortRow ? kNormParts * kernels::kShortRowsPerBlock : kNormParts;
  args.parts = std::min(most, args.rows);
  FusedNormGradient result{torch::empty_like(x), {}};
  torch::Tensor parts;
  if (needs_weight) {
    parts = torch::empty({args.parts, args.width}, x.options().dtype(torch::kFloat32));
    args.weight_parts = static_cast<float*>(parts.data_ptr());
  }
  args.gradient = dense.const_data_ptr();
  args.x_gradient = result.x.data_ptr();
  check_launch(library->rms_norm_backward(&args, current_stream(x.device())), "rms_norm_backward");
  if (needs_weight) result.weight = parts.sum(0).to(weight.scalar_type());
  return result;
}

std::optional<torch::Tensor> fused_rotary(const torch::Tensor& x, const torch::Tensor& cos,
                                          const torch::Tensor& sin, double sign) {
  const kernels::CudaLibrary* library = kernels_for(x);
  if (library == nullptr || !cos.is_contiguous() || !sin.is_contiguous()) return std::nullopt;
  const torch::Tensor dense = x.contiguous();
  torch::Tensor out = torch::empty_like(dense);
  kernels::RotaryArgs args;
  args.dtype = kernel_dtype(x.scalar_type());
  args.x = dense.const_data_ptr();
  args.out = out.data_ptr();
  args.cos = cos.const_data_ptr();
  args.sin = sin.const_data_ptr();
  args.tokens = x.size(0);
  args.heads = x.size(1);
  args.dim = x.size(2);
  args.half = cos.size(-1);
  args.sign = static_cast<float>(sign);
  check_launch(library->rotary(&args, current_stream(x.device())), "rotary");
  return out;
}

bool fuses_swiglu(const torch::Tensor& gate, const torch::Tensor& up) {
  if (kernels_for(gate) == nullptr) return false;
  return (gate.is_contiguous() && up.is_contiguous()) || are_halves(gate, up);
}

std::optional<torch::Tensor> fused_swiglu(const torch::Tensor& gate, const torch::Tensor& up) {
  if (!fuses_swiglu(gate, up)) return std::nullopt;
  torch::Tensor out = torch::empty(gate.sizes(), gate.options());
  kernels::SwigluArgs args = swiglu_arguments(gate, up);
  args.out = out.data_ptr();
  check_launch(kernels::cuda_library()->swiglu_forward(&args, current_stream(gate.device())),
               "swiglu");
  return out;
}

std::optional<FusedSwigluGradient> fused_swiglu_backward(const torch::Tensor& gradient,
                                                         const torch::Tensor& gate,
                                                         const torch::Tensor& up,
                                                         torch::Tensor* product) {
  if (!fuses_swiglu(gate, up)) return std::nullopt;
  const torch::Tensor dense = gradient.contiguous();
  kernels::SwigluArgs args = swiglu_arguments(gate, up);
  FusedSwigluGradient result;
  if (args.width == 0) {
    result = {torch::empty_like(gate), torch::empty_like(up), {}};
  } else {
    result.both = torch::empty({gate.size(0), 2 * args.width}, gate.options());
    result.gate = result.both.narrow(1, 0, args.width);
    result.up = result.both.narrow(1, args.width, args.width);
  }
  args.gradient = dense.const_data_ptr();
  args.gate_gradient = result.gate.data_ptr();
  args.up_gradient = result.up.data_ptr();
  if (product != nullptr) {
    *product = dense;  // in the gradient's place
    args.out = product->data_ptr();
  }
  check_launch(kernels::cuda_library()->swiglu_backward(&args, current_stream(gate.device())),
               "swiglu_backward");
  return result;
}

}  // namespace unlearn::runtime
