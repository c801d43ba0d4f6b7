#include "scoring/head_chunks.h"

#include <algorithm>

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
  Tensor z = at::linear(rows, head.weight, head.bias);
  if (z.scalar_type() != wide(rows)) z = z.to(wide(rows));
  if (head.scale != 1.0) z.mul_(head.scale);
  if (head.softcap != 0.0) z.div_(head.softcap).tanh_().mul_(head.softcap);
  return z;
}

void through_cap(Tensor& gradient, const Tensor& capped, const model::Head& head) {
  if (head.softcap != 0.0) {
    gradient.mul_(capped.div(head.softcap).square_().neg_().add_(1.0));
  }
  if (head.scale != 1.0) gradient.mul_(head.scale);
}

HeadGradient::HeadGradient(const Tensor& rows, const model::Head& head, bool need_rows,
                           bool need_weight, bool need_bias)
    : head_(head) {
  if (need_rows) rows_ = torch::empty_like(rows);
  if (need_weight) weight_ = torch::zeros_like(head.weight);
  if (need_bias && head.bias.defined()) bias_ = torch::zeros_like(head.bias);
}

void HeadGradient::add(const Tensor& hidden, int64_t begin, const Tensor& logits_gradient) {
  const Tensor gradient = logits_gradient.to(hidden.scalar_type());
  if (rows_.defined()) {
    Tensor part = rows_.narrow(0, begin, hidden.size(0));
    at::mm_out(part, gradient, head_.weight);
  }
  if (weight_.defined()) weight_.addmm_(gradient.t(), hidden);
  if (bias_.defined()) bias_.add_(gradient.sum(0));
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
