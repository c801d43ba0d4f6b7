#include "unlearn/scoring/token_logprob.h"

#include <algorithm>

#include "scoring/head_chunks.h"
#include "unlearn/core/error.h"
#include "unlearn/runtime/row_logits.h"

namespace unlearn::scoring {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct TokenLogprob : public torch::autograd::Function<TokenLogprob> {
  // The first `keep` rows leave their logit gradients, 1[j = y] - p_j, for the backward pass; those
  // of the others are computed there again.
  static Tensor forward(AutogradContext* context, const Tensor& rows, const Tensor& weight,
                        const std::optional<Tensor>& bias_or_none, const Tensor& targets,
                        double scale, double softcap, int64_t chunk, int64_t keep) {
    const Tensor bias = bias_or_none.value_or(Tensor());
    const model::Head head{weight, bias, scale, softcap};
    const int64_t total = rows.size(0);
    Tensor logp = torch::empty({total}, rows.options().dtype(wide(rows)));
    Tensor lse = torch::empty_like(logp);
    Tensor kept;
    if (keep > 0) {
      kept = head_logits(rows.narrow(0, 0, keep), head);
      runtime::row_lse(kept, targets.narrow(0, 0, keep), lse.narrow(0, 0, keep),
                       logp.narrow(0, 0, keep));
      to_gradient(kept, targets.narrow(0, 0, keep), lse.narrow(0, 0, keep),
                  torch::ones({keep}, logp.options()), head);
    }
    for (int64_t begin = keep; begin < total; begin += chunk) {
      const int64_t count = std::min(chunk, total - begin);
      runtime::row_lse(head_logits(rows.narrow(0, begin, count), head),
                       targets.narrow(0, begin, count), lse.narrow(0, begin, count),
                       logp.narrow(0, begin, count));
    }
    logp.sub_(lse);
    save_head_numbers(context, scale, softcap, chunk);
    context->save_for_backward({rows, weight, bias, targets, lse, kept});
    return logp;
  }

  static variable_list backward(AutogradContext* context, const variable_list& outputs) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &rows = saved[0], &targets = saved[3], &lse = saved[4], &kept = saved[5];
    const model::Head head = restore_head(context, saved[1], saved[2]);
    const int64_t chunk = context->saved_data["chunk"].toInt();
    const int64_t keep = kept.defined() ? kept.size(0) : 0;
    HeadGradient result(rows, head, context->needs_input_grad(0), context->needs_input_grad(1),
                        context->needs_input_grad(2));
    if (keep > 0) {
      result.add_kept(rows.narrow(0, 0, keep), kept, outputs[0].narrow(0, 0, keep), chunk);
    }
    for (int64_t begin = keep; begin < rows.size(0); begin += chunk) {
      const int64_t count = std::min(chunk, rows.size(0) - begin);
      const Tensor hidden = rows.narrow(0, begin, count);
      const Tensor z = head_logits(hidden, head);
      to_gradient(z, targets.narrow(0, begin, count), lse.narrow(0, begin, count),
                  outputs[0].narrow(0, begin, count), head);
      result.add(hidden, begin, z);
    }
    return {result.rows(), result.weight(), result.bias(), {}, {}, {}, {}, {}};
  }

 private:
  // Logits in place to the gradient of sum_i g_i logp_i before the head's cap and scale.
  static void to_gradient(Tensor z, const Tensor& targets, const Tensor& lse, const Tensor& g,
                          const model::Head& head) {
    const Tensor capped = head.softcap != 0.0 ? z.clone() : Tensor();
    runtime::row_logp_gradient(z, targets, lse, g);
    through_cap(z, capped, head);
  }
};

}  // namespace

LogitsOptions LogitsOptions::of(torch::Device device) {
  constexpr int64_t kGibibyte = int64_t{1} << 30;
  return device.is_cpu() ? LogitsOptions{} : LogitsOptions{kGibibyte, kGibibyte};
}

Tensor token_logprob(const Tensor& rows, const model::Head& head, const Tensor& targets,
                     const LogitsOptions& options) {
  UNLEARN_CHECK(rows.dim() == 2 && targets.dim() == 1 && rows.size(0) == targets.size(0));
  if (rows.size(0) == 0) return rows.new_zeros({0}, wide(rows)) + 0.0 * rows.sum();
  return TokenLogprob::apply(rows, head.weight, optional_tensor(head.bias), targets, head.scale,
                             head.softcap, chunk_rows(rows, head.weight, options.chunk_bytes),
                             kept_rows(rows, head.weight, options.store_bytes));
}

RowStatistics row_statistics(const Tensor& rows, const model::Head& head, const RowLabels& labels,
                             bool moments, const LogitsOptions& options) {
  torch::NoGradGuard no_grad;
  const int64_t count_rows = rows.size(0);
  const auto numbers = rows.options().dtype(wide(rows)).requires_grad(false);
  const auto places = numbers.dtype(torch::kLong);
  RowStatistics result{torch::empty({labels.targets.size(0)}, numbers), {}, {}, {}};
  Tensor best = torch::empty({count_rows}, places);
  Tensor mean, variance;
  if (moments) {
    mean = torch::empty({count_rows}, numbers);
    variance = torch::empty({count_rows}, numbers);
  }
  const Tensor label_rows = labels.rows.defined() ? labels.rows : torch::arange(count_rows, places);
  UNLEARN_CHECK(label_rows.size(0) == labels.targets.size(0));
  const int64_t chunk = chunk_rows(rows, head.weight, options.chunk_bytes);
  for (int64_t begin = 0; begin < count_rows; begin += chunk) {
    const int64_t count = std::min(chunk, count_rows - begin);
    Tensor z = head_logits(rows.narrow(0, begin, count), head);
    const Tensor chunk_best = z.argmax(1);
    best.narrow(0, begin, count).copy_(chunk_best);
    // Below the largest logit: where that token is likely, its log-probability keeps its digits.
    z.sub_(z.gather(1, chunk_best.unsqueeze(1)));
    const Tensor lse = torch::empty({count}, numbers);
    runtime::row_lse(z, chunk_best, lse, torch::empty_like(lse));
    const Tensor own = ((label_rows >= begin) & (label_rows < begin + count)).nonzero().squeeze(1);
    const Tensor row = label_rows.index_select(0, own) - begin;
    const Tensor at = row * z.size(1) + labels.targets.index_select(0, own);
    const Tensor picked = z.view({-1}).index_select(0, at);
    result.logp.index_copy_(0, own, picked - lse.index_select(0, row));
    if (!moments) continue;
    z.sub_(lse.unsqueeze(1));
    const Tensor p = z.exp();
    const Tensor chunk_mean = (p * z).sum(1);
    mean.narrow(0, begin, count).copy_(chunk_mean);
    variance.narrow(0, begin, count).copy_((p * z.square()).sum(1) - chunk_mean.square());
  }
  result.argmax_matches = best.index_select(0, label_rows) == labels.targets;
  if (moments) {
    result.mean_logp = mean.index_select(0, label_rows);
    result.variance_logp = variance.index_select(0, label_rows);
  }
  return result;
}

Tensor logits(const Tensor& rows, const model::Head& head) {
  torch::NoGradGuard no_grad;
  return head_logits(rows, head);
}

}  // namespace unlearn::scoring
