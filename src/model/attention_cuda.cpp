#include "model/attention_cuda.h"

#include <ATen/ops/_flash_attention_backward.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/version.h>

#include <algorithm>

#include "unlearn/runtime/device.h"

#if TORCH_VERSION_MAJOR != 2 || TORCH_VERSION_MINOR < 7
#error "check the signatures of at::_flash_attention_* for this LibTorch"
#endif

namespace unlearn::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

constexpr int64_t kLargestHead = 256;
constexpr int64_t kHeadMultiple = 8;

// A token sees itself and the window - 1 before it; unset: all before it.
std::optional<int64_t> tokens_to_the_left(int64_t window) {
  return window > 0 ? std::optional<int64_t>(window - 1) : std::nullopt;
}
std::optional<int64_t> tokens_to_the_right(int64_t window) {
  return window > 0 ? std::optional<int64_t>(0) : std::nullopt;
}

class FlashAttention : public torch::autograd::Function<FlashAttention> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& q,
                               const torch::Tensor& k, const torch::Tensor& v,
                               const torch::Tensor& boundaries, int64_t longest, double scale,
                               int64_t window) {
    const auto [out, log_sums, random_state, unused, debug] = at::_flash_attention_forward(
        q, k, v, boundaries, boundaries, longest, longest, /*dropout_p=*/0.0, /*is_causal=*/true,
        /*return_debug_mask=*/false, std::optional<double>(scale), tokens_to_the_left(window),
        tokens_to_the_right(window));
    context->save_for_backward({q, k, v, out, log_sums, boundaries, random_state, unused});
    context->saved_data["longest"] = longest;
    context->saved_data["scale"] = scale;
    context->saved_data["window"] = window;
    return out;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const int64_t longest = context->saved_data["longest"].toInt();
    const double scale = context->saved_data["scale"].toDouble();
    const int64_t window = context->saved_data["window"].toInt();
    const auto [dq, dk, dv] = at::_flash_attention_backward(
        gradients[0].contiguous(), saved[0], saved[1], saved[2], saved[3], saved[4], saved[5],
        saved[5], longest, longest, /*dropout_p=*/0.0, /*is_causal=*/true, saved[6], saved[7],
        scale, tokens_to_the_left(window), tokens_to_the_right(window));
    return {dq, dk, dv, {}, {}, {}, {}};
  }
};

// The boundaries on the device, int32. All layers of a forward pass ask for the same ones.
const torch::Tensor& device_boundaries(const std::vector<int64_t>& offsets, torch::Device device) {
  struct Last {
    std::vector<int64_t> offsets;
    torch::Tensor boundaries;
  };
  thread_local Last last;
  if (!last.boundaries.defined() || last.offsets != offsets || last.boundaries.device() != device) {
    last = {offsets, runtime::upload(torch::tensor(offsets, torch::kInt32), device)};
  }
  return last.boundaries;
}

}  // namespace

bool has_flash_attention(torch::Dtype dtype, int64_t head_dim, double softcap) {
  return (dtype == torch::kBFloat16 || dtype == torch::kHalf) && softcap == 0.0 &&
         head_dim <= kLargestHead && head_dim % kHeadMultiple == 0;
}

torch::Tensor flash_attention(const torch::Tensor& q, const torch::Tensor& k,
                              const torch::Tensor& v, const std::vector<int64_t>& offsets,
                              double scale, int64_t window) {
  int64_t longest = 0;
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    longest = std::max(longest, offsets[i + 1] - offsets[i]);
  }
  return FlashAttention::apply(q.contiguous(), k.contiguous(), v.contiguous(),
                               device_boundaries(offsets, q.device()), longest, scale, window);
}

}  // namespace unlearn::model
