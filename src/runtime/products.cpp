#include "unlearn/runtime/products.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <cstdlib>
#include <string_view>

#include "unlearn/core/error.h"

namespace unlearn::runtime {
namespace {

using torch::Tensor;

// About where half of MKL's time is what a new shape costs (0.15 ms). By the weight's size and not
// by the product's, so that a layer's rows have the same bits in (almost) any company.
constexpr int64_t kLeastRows = 128;
constexpr int64_t kLeastWeight = int64_t{32} << 10;  // inner * columns

enum class Choice { kMkl, kLarge, kEvery };

bool mkl_lacks_avx512() {
#if defined(__x86_64__)
  return __builtin_cpu_is("amd") != 0 && __builtin_cpu_supports("avx512f") != 0 &&
         __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0;
#else
  return false;
#endif
}

// ATen's one way to oneDNN for dense fp32 matrices; x [N, K], weight [M, K] of any strides.
using Pointwise = Tensor(const Tensor&, const Tensor&, const std::optional<Tensor>&,
                         c10::string_view, c10::List<std::optional<at::Scalar>>,
                         std::optional<c10::string_view>);
const std::optional<c10::TypedOperatorHandle<Pointwise>>& pointwise() {
  static const auto found = []() -> std::optional<c10::TypedOperatorHandle<Pointwise>> {
    const auto schema = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
    if (!schema || !schema->hasKernelForDispatchKey(c10::DispatchKey::CPU)) return std::nullopt;
    return schema->typed<Pointwise>();
  }();
  return found;
}

Choice choice() {
  static const Choice chosen = [] {
    const char* set = std::getenv("UNLEARN_CPU_PRODUCTS");
    const std::string_view name = set == nullptr ? "" : set;
    if (name == "mkl") return Choice::kMkl;
    if (name == "onednn") {
      if (!pointwise()) user_error("UNLEARN_CPU_PRODUCTS: this LibTorch has no oneDNN; take mkl");
      return Choice::kEvery;
    }
    if (!name.empty()) {
      user_error("UNLEARN_CPU_PRODUCTS: '", std::string(name), "': mkl or onednn is meant");
    }
    return mkl_lacks_avx512() && pointwise() ? Choice::kLarge : Choice::kMkl;
  }();
  return chosen;
}

// For the product of a [N, K] and b, which has as many columns.
bool takes(const Tensor& a, const Tensor& b, int64_t columns) {
  return a.is_cpu() && a.scalar_type() == torch::kFloat && b.scalar_type() == torch::kFloat &&
         a.numel() > 0 && b.numel() > 0 && by_onednn(a.size(0), a.size(1), columns);
}

Tensor by_pointwise(const Tensor& a, const Tensor& b, const Tensor& bias = {}) {
  const at::AutoDispatchBelowAutograd below;
  return pointwise()->call(a, b, bias.defined() ? std::optional<Tensor>(bias) : std::nullopt,
                           "none", c10::List<std::optional<at::Scalar>>(), std::nullopt);
}

}  // namespace

void check_product_choice() { choice(); }

bool by_onednn(int64_t rows, int64_t inner, int64_t columns) {
  const Choice chosen = choice();
  return chosen == Choice::kEvery ||
         (chosen == Choice::kLarge && rows >= kLeastRows && inner * columns >= kLeastWeight);
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (takes(x, weight, weight.size(0))) return by_pointwise(x, weight, bias);
  return at::linear(x, weight, bias.defined() ? std::optional<Tensor>(bias) : std::nullopt);
}

Tensor mm(const Tensor& a, const Tensor& b) {
  return takes(a, b, b.size(1)) ? by_pointwise(a, b.t()) : at::mm(a, b);
}

void mm_into(Tensor out, const Tensor& a, const Tensor& b) {
  if (takes(a, b, b.size(1))) {
    out.copy_(by_pointwise(a, b.t()));
  } else {
    at::mm_out(out, a, b);
  }
}

void add_mm(Tensor out, const Tensor& a, const Tensor& b, double scale) {
  if (takes(a, b, b.size(1))) {
    out.add_(by_pointwise(a, b.t()), scale);
  } else {
    out.addmm_(a, b, 1, scale);
  }
}

}  // namespace unlearn::runtime
