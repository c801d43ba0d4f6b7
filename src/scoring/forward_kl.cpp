// The forward KL of a row to the reference's.
#include "unlearn/runtime/row_logits.h"
#include "unlearn/scoring/row_request.h"

namespace unlearn::scoring {
namespace {

using torch::Tensor;

bool kl_kernel_fits(const RowChunk& chunk) {
  return runtime::has_row_kl(chunk.logits, chunk.reference);
}

void run_kl_kernel(const RowChunk& chunk, Tensor values) {
  runtime::row_kl(chunk.logits, chunk.reference, std::move(values), /*with_gradient=*/true);
}

Tensor kl_value(const RowRequest&, const RowChunk& chunk) {
  const Tensor& z = chunk.logits;
  if (kl_kernel_fits(chunk)) {
    const Tensor values = torch::empty({z.size(0)}, z.options());
    runtime::row_kl(z, chunk.reference, values, /*with_gradient=*/false);
    return values;
  }
  Tensor p = chunk.reference.log_softmax(1);
  const Tensor difference = p - z.log_softmax(1);
  return p.exp_().mul_(difference).sum(1);
}

Tensor kl_gradient(const RowRequest&, const RowChunk& chunk) {
  return chunk.logits.softmax(1).sub_(chunk.reference.softmax(1));
}

}  // namespace

const RowFunction& forward_kl() {
  static constexpr RowKernel kernel{kl_kernel_fits, run_kl_kernel};
  static constexpr RowFunction function{.name = "forward_kl",
                                        .needs_reference = true,
                                        .value = kl_value,
                                        .gradient = kl_gradient,
                                        .kernel = &kernel};
  return function;
}

}  // namespace unlearn::scoring
