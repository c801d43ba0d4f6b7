#include "scoring/head_chunks.h"

#include <algorithm>

#include "unlearn/runtime/products.h"

namespace unlearn::scoring {

using torch::Tensor;
using torch::autograd::AutogradContext;

torch::Dtype wide(const Tensor& rows) {
  return rows.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
}

int64_t chunk_rows(const Tensor& rows, const Tensor& weight, int64_t bytes) {
  const int64_t row_bytes = weight.size(0) * static_cast<int64_t>(torch::elementSize(wide(rows)));
  return std::clamp<int64_t>(bytes / row_bytes, 1, std::max<int64_t>(1, rows.size(0)));
}

Tensor head_logits(const Tensor& rows, const model::Head& head) {
  Tensor z = torch::empty({rows.size(0), head.weight.size(0)},
                          rows.options().dtype(wide(rows)).requires_grad(false));
  head_logits_into(z, rows, head);
  return z;
}

void head_logits_into(Tensor out, const Tensor& rows, const model::Head& head) {
  const torch::NoGradGuard no_grad;
  if (rows.scalar_type() != wide(rows) && rows.is_cuda()) {
    // The accumulators as they are, not rounded to bf16 on the way.
    at::mm_out(out, rows, head.weight.t(), out.scalar_type());
    if (head.bias.defined()) out.add_(head.bias);
  } else if (rows.scalar_type() != wide(rows)) {
    out.copy_(at::linear(rows, head.weight, head.bias));
  } else if (head.bias.defined()) {
    at::addmm_out(out, head.bias, rows, head.weight.t());
  } else {
    runtime::mm_into(out, rows, head.weight.t());
  }
  if (head.scale != 1.0) out.mul_(head.scale);
  if (head.softcap != 0.0) out.div_(head.softcap).tanh_().mul_(head.softcap);
}

int64_t kept_rows(const Tensor& rows, const Tensor& weight, int64_t bytes) {
  if (!torch::GradMode::is_enabled()) return 0;
  const int64_t row_bytes = weight.size(0) * static_cast<int64_t>(torch::elementSize(wide(rows)));
  return std::min(rows.size(0), bytes / row_bytes);
}

void through_cap(Tensor gradient, const Tensor& capped, const model::Head& head) {
  if (head.softcap != 0.0) {
    gradient.mul_(capped.div(head.softcap).square_().neg_().add_(1.0));
  }
  if (head.scale != 1.0) gradient.mul_(head.scale);
}

HeadGradient::HeadGradient(const Tensor& rows, const model::Head& head, bool need_rows,
                           bool need_weight, bool need_bias)
    : head_(head), need_weight_(need_weight) {
  if (need_rows) rows_ = torch::empty_like(rows);
  if (need_bias && head.bias.defined()) bias_ = torch::zeros_like(head.bias);
}

void HeadGradient::add_weight(const Tensor& gradient, const Tensor& hidden) {
  if (!need_weight_) return;
  if (weight_.defined()) {
    runtime::add_mm(weight_, gradient.t(), hidden);
  } else {
    weight_ = runtime::mm(gradient.t(), hidden);
  }
}

void HeadGradient::add(const Tensor& hidden, int64_t begin, const Tensor& logits_gradient) {
  const Tensor gradient = logits_gradient.to(hidden.scalar_type());
  if (rows_.defined()) {
    Tensor part = rows_.narrow(0, begin, hidden.size(0));
    runtime::mm_into(part, gradient, head_.weight);
  }
  add_weight(gradient, hidden);
  if (bias_.defined()) bias_.add_(gradient.sum(0));
}

void HeadGradient::add_kept(const Tensor& hidden, const Tensor& kept, const Tensor& g,
                            int64_t chunk) {
  const int64_t total = kept.size(0);
  if (kept.scalar_type() != hidden.scalar_type()) {
    for (int64_t begin = 0; begin < total; begin += chunk) {
      const int64_t count = std::min(chunk, total - begin);
      Tensor gradient =
          torch::empty({count, kept.size(1)}, kept.options().dtype(hidden.scalar_type()));
      at::mul_out(gradient, kept.narrow(0, begin, count), g.narrow(0, begin, count).unsqueeze(1));
      add(hidden.narrow(0, begin, count), begin, gradient);
    }
    return;
  }
  // diag(g) kept is never formed: g multiplies the narrow matrices on the other side.
  const Tensor column = g.unsqueeze(1);
  if (rows_.defined()) {
    Tensor part = rows_.narrow(0, 0, total);
    runtime::mm_into(part, kept, head_.weight);
    part.mul_(column);
  }
  add_weight(kept, hidden * column);
  if (bias_.defined()) bias_.add_(at::mv(kept.t(), g.contiguous()));
}

std::optional<Tensor> optional_tensor(const Tensor& tensor) {
  return tensor.defined() ? std::optional<Tensor>(tensor) : std::nullopt;
}

model::Head restore_head(AutogradContext* context, const Tensor& weight, const Tensor& bias) {
  return {weight, bias, context->saved_data["scale"].toDouble(),
          context->saved_data["softcap"].toDouble()};
}

void save_head_numbers(AutogradContext* context, double scale, double softcap, int64_t chunk) {
  context->saved_data["scale"] = scale;
  context->saved_data["softcap"] = softcap;
  context->saved_data["chunk"] = chunk;
}

}  // namespace unlearn::scoring
