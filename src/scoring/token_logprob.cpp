#include "unlearn/scoring/token_logprob.h"

#include <algorithm>
#include <optional>

#include "unlearn/core/error.h"

namespace unlearn::scoring {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

torch::Dtype wide(const Tensor& rows) {
  return rows.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
}

int64_t chunk_rows(const Tensor& rows, const Tensor& weight, int64_t bytes) {
  const int64_t row_bytes = weight.size(0) * static_cast<int64_t>(torch::elementSize(wide(rows)));
  return std::clamp<int64_t>(bytes / row_bytes, 1, std::max<int64_t>(1, rows.size(0)));
}

// softcap(scale * (h W^T + bias)), in fp32 or wider; a fresh tensor the caller may overwrite.
Tensor head_logits(const Tensor& rows, const model::Head& head) {
  Tensor z = at::linear(rows, head.weight, head.bias);
  if (z.scalar_type() != wide(rows)) z = z.to(wide(rows));
  if (head.scale != 1.0) z.mul_(head.scale);
  if (head.softcap != 0.0) z.div_(head.softcap).tanh_().mul_(head.softcap);
  return z;
}

// Turns d(loss)/d(logits) in place into the gradient before soft-capping and scaling.
void through_cap(Tensor& gradient, const Tensor& capped, const model::Head& head) {
  if (head.softcap != 0.0) {
    gradient.mul_(capped.div(head.softcap).square_().neg_().add_(1.0));
  }
  if (head.scale != 1.0) gradient.mul_(head.scale);
}

// Gradients of a head: dh per chunk, dW and db summed over chunks.
class HeadGradient {
 public:
  HeadGradient(const Tensor& rows, const model::Head& head, bool need_rows, bool need_weight,
               bool need_bias)
      : head_(head) {
    if (need_rows) rows_ = torch::empty_like(rows);
    if (need_weight) weight_ = torch::zeros_like(head.weight);
    if (need_bias && head.bias.defined()) bias_ = torch::zeros_like(head.bias);
  }

  void add(const Tensor& hidden, int64_t begin, const Tensor& logits_gradient) {
    const Tensor gradient = logits_gradient.to(hidden.scalar_type());
    if (rows_.defined()) {
      Tensor part = rows_.narrow(0, begin, hidden.size(0));
      at::mm_out(part, gradient, head_.weight);
    }
    if (weight_.defined()) weight_.addmm_(gradient.t(), hidden);
    if (bias_.defined()) bias_.add_(gradient.sum(0));
  }

  const Tensor& rows() const { return rows_; }
  const Tensor& weight() const { return weight_; }
  const Tensor& bias() const { return bias_; }

 private:
  const model::Head& head_;
  Tensor rows_, weight_, bias_;
};

// Function::apply takes no undefined tensors.
std::optional<Tensor> optional_tensor(const Tensor& tensor) {
  return tensor.defined() ? std::optional<Tensor>(tensor) : std::nullopt;
}

// Head tensors travel through autograd as saved variables, its numbers as saved data.
model::Head restore_head(AutogradContext* context, const Tensor& weight, const Tensor& bias) {
  return {weight, bias, context->saved_data["scale"].toDouble(),
          context->saved_data["softcap"].toDouble()};
}

void save_head_numbers(AutogradContext* context, double scale, double softcap, int64_t chunk) {
  context->saved_data["scale"] = scale;
  context->saved_data["softcap"] = softcap;
  context->saved_data["chunk"] = chunk;
}

struct TokenLogprob : public torch::autograd::Function<TokenLogprob> {
  static Tensor forward(AutogradContext* context, const Tensor& rows, const Tensor& weight,
                        const std::optional<Tensor>& bias_or_none, const Tensor& targets,
                        double scale, double softcap, int64_t chunk, bool store) {
    const Tensor bias = bias_or_none.value_or(Tensor());
    const model::Head head{weight, bias, scale, softcap};
    const int64_t total = rows.size(0);
    Tensor logp = torch::empty({total}, rows.options().dtype(wide(rows)));
    Tensor lse = torch::empty_like(logp);
    Tensor kept;
    for (int64_t begin = 0; begin < total; begin += chunk) {
      const int64_t count = std::min(chunk, total - begin);
      const Tensor z = head_logits(rows.narrow(0, begin, count), head);
      Tensor chunk_lse = lse.narrow(0, begin, count);
      at::logsumexp_out(chunk_lse, z, 1);
      const Tensor label = z.gather(1, targets.narrow(0, begin, count).unsqueeze(1)).squeeze(1);
      logp.narrow(0, begin, count).copy_(label - chunk_lse);
      if (store) kept = z;
    }
    save_head_numbers(context, scale, softcap, chunk);
    context->save_for_backward({rows, weight, bias, targets, lse, kept});
    return logp;
  }

  static variable_list backward(AutogradContext* context, const variable_list& outputs) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &rows = saved[0], &targets = saved[3], &lse = saved[4];
    const model::Head head = restore_head(context, saved[1], saved[2]);
    const int64_t chunk = context->saved_data["chunk"].toInt();
    HeadGradient result(rows, head, context->needs_input_grad(0), context->needs_input_grad(1),
                        context->needs_input_grad(2));
    for (int64_t begin = 0; begin < rows.size(0); begin += chunk) {
      const int64_t count = std::min(chunk, rows.size(0) - begin);
      const Tensor hidden = rows.narrow(0, begin, count);
      // The kept logits are ours alone and used once: they become the gradient in place.
      Tensor z = saved[5].defined() ? saved[5] : head_logits(hidden, head);
      const Tensor capped = head.softcap != 0.0 ? z.clone() : Tensor();
      const Tensor g = outputs[0].narrow(0, begin, count).unsqueeze(1);
      z.sub_(lse.narrow(0, begin, count).unsqueeze(1)).exp_().mul_(-g);
      z.scatter_add_(1, targets.narrow(0, begin, count).unsqueeze(1), g);
      through_cap(z, capped, head);
      result.add(hidden, begin, z);
    }
    return {result.rows(), result.weight(), result.bias(), {}, {}, {}, {}, {}};
  }
};

struct ForwardKl : public torch::autograd::Function<ForwardKl> {
  static Tensor forward(AutogradContext* context, const Tensor& rows, const Tensor& weight,
                        const std::optional<Tensor>& bias_or_none, const Tensor& reference_rows,
                        const Tensor& reference_weight,
                        const std::optional<Tensor>& reference_bias_or_none, double scale,
                        double softcap, int64_t chunk) {
    const Tensor bias = bias_or_none.value_or(Tensor());
    const Tensor reference_bias = reference_bias_or_none.value_or(Tensor());
    const model::Head head{weight, bias, scale, softcap};
    const model::Head reference{reference_weight, reference_bias, scale, softcap};
    Tensor kl = torch::empty({rows.size(0)}, rows.options().dtype(wide(rows)));
    for (int64_t begin = 0; begin < rows.size(0); begin += chunk) {
      const int64_t count = std::min(chunk, rows.size(0) - begin);
      const Tensor q = head_logits(rows.narrow(0, begin, count), head).log_softmax(1);
      Tensor p = head_logits(reference_rows.narrow(0, begin, count), reference).log_softmax(1);
      const Tensor difference = p - q;
      kl.narrow(0, begin, count).copy_(p.exp_().mul_(difference).sum(1));
    }
    save_head_numbers(context, scale, softcap, chunk);
    context->save_for_backward(
        {rows, weight, bias, reference_rows, reference_weight, reference_bias});
    return kl;
  }

  static variable_list backward(AutogradContext* context, const variable_list& outputs) {
    const variable_list saved = context->get_saved_variables();
    const Tensor& rows = saved[0];
    const model::Head head = restore_head(context, saved[1], saved[2]);
    const model::Head reference = restore_head(context, saved[4], saved[5]);
    const int64_t chunk = context->saved_data["chunk"].toInt();
    HeadGradient result(rows, head, context->needs_input_grad(0), context->needs_input_grad(1),
                        context->needs_input_grad(2));
    for (int64_t begin = 0; begin < rows.size(0); begin += chunk) {
      const int64_t count = std::min(chunk, rows.size(0) - begin);
      const Tensor hidden = rows.narrow(0, begin, count);
      const Tensor z = head_logits(hidden, head);
      Tensor gradient = z.softmax(1);
      gradient.sub_(head_logits(saved[3].narrow(0, begin, count), reference).softmax(1));
      gradient.mul_(outputs[0].narrow(0, begin, count).unsqueeze(1));
      through_cap(gradient, z, head);
      result.add(hidden, begin, gradient);
    }
    return {result.rows(), result.weight(), result.bias(), {}, {}, {}, {}, {}, {}};
  }
};

}  // namespace

Tensor token_logprob(const Tensor& rows, const model::Head& head, const Tensor& targets,
                     const LogitsOptions& options) {
  UNLEARN_CHECK(rows.dim() == 2 && targets.dim() == 1 && rows.size(0) == targets.size(0));
  if (rows.size(0) == 0) return rows.new_zeros({0}, wide(rows)) + 0.0 * rows.sum();
  const int64_t all_bytes =
      rows.size(0) * head.weight.size(0) * static_cast<int64_t>(torch::elementSize(wide(rows)));
  const bool store = all_bytes <= options.store_bytes && torch::GradMode::is_enabled();
  const int64_t chunk = store ? rows.size(0) : chunk_rows(rows, head.weight, options.chunk_bytes);
  return TokenLogprob::apply(rows, head.weight, optional_tensor(head.bias), targets, head.scale,
                             head.softcap, chunk, store);
}

Tensor forward_kl(const Tensor& rows, const model::Head& head, const Tensor& reference_rows,
                  const model::Head& reference_head, const LogitsOptions& options) {
  UNLEARN_CHECK(rows.sizes() == reference_rows.sizes());
  if (rows.size(0) == 0) return rows.new_zeros({0}, wide(rows)) + 0.0 * rows.sum();
  // Two rows of logits and two temporaries are alive at a time.
  const int64_t chunk = chunk_rows(rows, head.weight, options.chunk_bytes / 2);
  return ForwardKl::apply(rows, head.weight, optional_tensor(head.bias), reference_rows,
                          reference_head.weight, optional_tensor(reference_head.bias), head.scale,
                          head.softcap, chunk);
}

RowStatistics row_statistics(const Tensor& rows, const model::Head& head, const Tensor& targets,
                             bool moments, const LogitsOptions& options) {
  torch::NoGradGuard no_grad;
  const int64_t total = rows.size(0);
  const auto numbers = rows.options().dtype(wide(rows)).requires_grad(false);
  RowStatistics result{torch::empty({total}, numbers),
                       torch::empty({total}, numbers.dtype(torch::kBool)),
                       moments ? torch::empty({total}, numbers) : Tensor(),
                       moments ? torch::empty({total}, numbers) : Tensor()};
  if (total == 0) return result;
  const int64_t chunk = chunk_rows(rows, head.weight, options.chunk_bytes);
  for (int64_t begin = 0; begin < total; begin += chunk) {
    const int64_t count = std::min(chunk, total - begin);
    const Tensor z = head_logits(rows.narrow(0, begin, count), head);
    const Tensor target = targets.narrow(0, begin, count);
    const Tensor lse = z.logsumexp(1);
    result.logp.narrow(0, begin, count).copy_(z.gather(1, target.unsqueeze(1)).squeeze(1) - lse);
    result.argmax_matches.narrow(0, begin, count).copy_(z.argmax(1) == target);
    if (!moments) continue;
    const Tensor logp = z - lse.unsqueeze(1);
    const Tensor p = logp.exp();
    const Tensor mean = (p * logp).sum(1);
    result.mean_logp.narrow(0, begin, count).copy_(mean);
    result.variance_logp.narrow(0, begin, count).copy_((p * logp.square()).sum(1) - mean.square());
  }
  return result;
}

Tensor logits(const Tensor& rows, const model::Head& head) {
  torch::NoGradGuard no_grad;
  return head_logits(rows, head);
}

}  // namespace unlearn::scoring
