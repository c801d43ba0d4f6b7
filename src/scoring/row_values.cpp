// Row functions over all rows: in chunks, with one backward for all of them.
#include <algorithm>

#include "scoring/head_chunks.h"
#include "unlearn/core/error.h"
#include "unlearn/scoring/token_logprob.h"

namespace unlearn::scoring {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// What the rows are compared with; undefined tensors where the function does not ask.
struct Comparison {
  Tensor rows;
  model::Head head;
  Tensor targets;
};

// The rows from `begin` on; the policy's logits go into `logits`.
RowChunk make_chunk(Tensor logits, const Tensor& rows, const model::Head& head,
                    const Comparison& other, int64_t begin) {
  const int64_t count = logits.size(0);
  head_logits_into(logits, rows.narrow(0, begin, count), head);
  RowChunk chunk;
  chunk.logits = logits;
  if (other.rows.defined()) {
    chunk.reference = head_logits(other.rows.narrow(0, begin, count), other.head);
  }
  if (other.targets.defined()) chunk.targets = other.targets.narrow(0, begin, count);
  return chunk;
}

// Values of a chunk; its logits become the values' gradients before the head's cap and scale.
void to_gradient(const RowRequest& request, const RowChunk& chunk, const model::Head& head,
                 Tensor values) {
  const RowFunction& function = *request.function;
  if (function.kernel != nullptr && function.kernel->fits(chunk)) {
    const Tensor capped = head.softcap != 0.0 ? chunk.logits.clone() : Tensor();
    function.kernel->run(chunk, values);
    through_cap(chunk.logits, capped, head);
    return;
  }
  values.copy_(function.value(request, chunk));
  const Tensor gradient = function.gradient(request, chunk);
  through_cap(gradient, chunk.logits, head);
  chunk.logits.copy_(gradient);
}

Tensor logits_space(const Tensor& rows, const model::Head& head, int64_t count) {
  return torch::empty({count, head.weight.size(0)},
                      rows.options().dtype(wide(rows)).requires_grad(false));
}

struct RowValues : public torch::autograd::Function<RowValues> {
  // The first `keep` rows leave their logit gradients for the backward pass; those of the others
  // are computed there again.
  static Tensor forward(AutogradContext* context, const Tensor& rows, const Tensor& weight,
                        const std::optional<Tensor>& bias, const model::Head& head,
                        const RowRequest& request, const Comparison& other, int64_t chunk,
                        int64_t keep) {
    const int64_t total = rows.size(0);
    Tensor values = torch::empty({total}, rows.options().dtype(wide(rows)));
    const Tensor kept = keep > 0 ? logits_space(rows, head, keep) : Tensor();
    for (int64_t begin = 0; begin < keep; begin += chunk) {
      const int64_t count = std::min(chunk, keep - begin);
      to_gradient(request, make_chunk(kept.narrow(0, begin, count), rows, head, other, begin), head,
                  values.narrow(0, begin, count));
    }
    for (int64_t begin = keep; begin < total; begin += chunk) {
      const int64_t count = std::min(chunk, total - begin);
      values.narrow(0, begin, count)
          .copy_(request.function->value(
              request, make_chunk(logits_space(rows, head, count), rows, head, other, begin)));
    }
    save_head_numbers(context, head.scale, head.softcap, chunk);
    context->saved_data["reference_scale"] = other.head.scale;
    context->saved_data["reference_softcap"] = other.head.softcap;
    // Its address, which is valid as long as the program runs.
    context->saved_data["function"] = reinterpret_cast<int64_t>(request.function);
    context->saved_data["beta"] = request.beta;
    context->saved_data["margin"] = request.margin;
    context->save_for_backward({rows, weight, bias.value_or(Tensor()), other.rows,
                                other.head.weight, other.head.bias, other.targets, kept});
    return values;
  }

  static variable_list backward(AutogradContext* context, const variable_list& outputs) {
    const variable_list saved = context->get_saved_variables();
    auto& numbers = context->saved_data;
    const Tensor& rows = saved[0];
    const model::Head head = restore_head(context, saved[1], saved[2]);
    const Comparison other{saved[3],
                           {saved[4], saved[5], numbers["reference_scale"].toDouble(),
                            numbers["reference_softcap"].toDouble()},
                           saved[6]};
    RowRequest request;
    request.function = reinterpret_cast<const RowFunction*>(numbers["function"].toInt());
    request.beta = numbers["beta"].toDouble();
    request.margin = numbers["margin"].toDouble();
    const int64_t chunk = numbers["chunk"].toInt();
    // Only tensors that were given count as inputs there.
    const bool need_bias = head.bias.defined() && context->needs_input_grad(2);
    HeadGradient result(rows, head, context->needs_input_grad(0), context->needs_input_grad(1),
                        need_bias);
    const int64_t keep = saved[7].defined() ? saved[7].size(0) : 0;
    if (keep > 0) {
      result.add_kept(rows.narrow(0, 0, keep), saved[7], outputs[0].narrow(0, 0, keep), chunk);
    }
    for (int64_t begin = keep; begin < rows.size(0); begin += chunk) {
      const int64_t count = std::min(chunk, rows.size(0) - begin);
      const RowChunk part = make_chunk(logits_space(rows, head, count), rows, head, other, begin);
      to_gradient(request, part, head, torch::empty({count}, outputs[0].options()));
      part.logits.mul_(outputs[0].narrow(0, begin, count).unsqueeze(1));
      result.add(rows.narrow(0, begin, count), begin, part.logits);
    }
    return {result.rows(), result.weight(), result.bias(), {}, {}, {}, {}, {}};
  }
};

}  // namespace

Tensor row_values(const RowRequest& request, const Tensor& rows, const model::Head& head,
                  const RowComparison& comparison, const LogitsOptions& options) {
  if (rows.size(0) == 0) return rows.new_zeros({0}, wide(rows)) + 0.0 * rows.sum();
  Comparison other;
  if (request.function->needs_reference) {
    UNLEARN_CHECK(rows.size(0) == comparison.reference_rows.size(0));
    other.rows = comparison.reference_rows;
    other.head = comparison.reference_head;
  }
  if (request.function->needs_targets) {
    UNLEARN_CHECK(rows.size(0) == comparison.targets.size(0));
    other.targets = comparison.targets;
  }
  // Two rows of logits are alive at a time, and where ATen computes the function two temporaries.
  const int64_t chunk = chunk_rows(rows, head.weight, options.chunk_bytes / 2);
  return RowValues::apply(rows, head.weight, optional_tensor(head.bias), head, request, other,
                          chunk, kept_rows(rows, head.weight, options.store_bytes));
}

}  // namespace unlearn::scoring
