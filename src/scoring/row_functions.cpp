#include "scoring/row_functions.h"

#include <limits>

#include "unlearn/core/error.h"
#include "unlearn/runtime/row_logits.h"

namespace unlearn::scoring {
namespace {

using torch::Tensor;

// The distribution that CE-U and UNDIAL teach instead of the label, [n, V]: without the label
// itself, or the reference's with the label's logit lowered by beta.
Tensor teacher(const RowRequest& request, const RowChunk& chunk) {
  const Tensor at = chunk.targets.unsqueeze(1);
  if (request.function == RowFunction::kCeu) {
    return chunk.logits.scatter(1, at, -std::numeric_limits<double>::infinity()).softmax(1);
  }
  const Tensor shift = torch::full_like(at, -request.beta, chunk.reference.options());
  return chunk.reference.scatter_add(1, at, shift).softmax(1);
}

// beta (z_ref - z), and beta (-z) - margin: the MUSE code's arguments, taken per logit.
Tensor raw_argument(const RowRequest& request, const RowChunk& chunk) {
  if (request.function == RowFunction::kRawNpo) {
    return (chunk.reference - chunk.logits).mul_(request.beta);
  }
  return chunk.logits.mul(-request.beta).sub_(request.margin);
}

}  // namespace

Tensor row_function_value(const RowRequest& request, const RowChunk& chunk) {
  const Tensor& z = chunk.logits;
  switch (request.function) {
    case RowFunction::kForwardKl: {
      if (runtime::has_row_kl(z, chunk.reference)) {
        const Tensor values = torch::empty({z.size(0)}, z.options());
        runtime::row_kl(z, chunk.reference, values, /*with_gradient=*/false);
        return values;
      }
      Tensor p = chunk.reference.log_softmax(1);
      const Tensor difference = p - z.log_softmax(1);
      return p.exp_().mul_(difference).sum(1);
    }
    case RowFunction::kCeu:
    case RowFunction::kUndial:
      return z.logsumexp(1) - teacher(request, chunk).mul_(z).sum(1);
    case RowFunction::kMaxMinusMean:
      return (z.amax(1) - z.mean(1)).square_();
    case RowFunction::kRawNpo:
    case RowFunction::kRawSimNpo:
      return torch::log_sigmoid(raw_argument(request, chunk)).mean(1) * (-2.0 / request.beta);
    case RowFunction::kRawKl:
      return chunk.reference.exp().mul_(chunk.reference - z).sum(1);
    case RowFunction::kNone:
      break;
  }
  UNLEARN_CHECK(false, "no row function");
}

Tensor row_function_gradient(const RowRequest& request, const RowChunk& chunk) {
  const Tensor& z = chunk.logits;
  const auto vocabulary = static_cast<double>(z.size(1));
  switch (request.function) {
    case RowFunction::kForwardKl:
      return z.softmax(1).sub_(chunk.reference.softmax(1));
    case RowFunction::kCeu:
    case RowFunction::kUndial:
      return z.softmax(1).sub_(teacher(request, chunk));
    case RowFunction::kMaxMinusMean: {
      const auto [top, at] = z.max(1, /*keepdim=*/true);
      const Tensor twice = (top - z.mean(1, /*keepdim=*/true)).mul_(2.0);
      return (twice / -vocabulary).expand_as(z).clone().scatter_add_(1, at, twice);
    }
    case RowFunction::kRawNpo:
    case RowFunction::kRawSimNpo:
      return raw_argument(request, chunk).neg_().sigmoid_().mul_(2.0 / vocabulary);
    case RowFunction::kRawKl:
      return chunk.reference.exp().neg_();
    case RowFunction::kNone:
      break;
  }
  UNLEARN_CHECK(false, "no row function");
}

}  // namespace unlearn::scoring
