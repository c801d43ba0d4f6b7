// Row functions over all rows: in chunks, with one backward for all of them.
#include <algorithm>

#include "scoring/head_chunks.h"
#include "scoring/row_functions.h"
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

RowChunk make_chunk(const Tensor& rows, const model::Head& head, const Comparison& other,
                    int64_t begin, int64_t count) {
  RowChunk chunk;
  chunk.logits = head_logits(rows.narrow(0, begin, count), head);
  if (other.rows.defined()) {
    chunk.reference = head_logits(other.rows.narrow(0, begin, count), other.head);
  }
  if (other.targets.defined()) chunk.targets = other.targets.narrow(0, begin, count);
  return chunk;
}

struct RowValues : public torch::autograd::Function<RowValues> {
  static Tensor forward(AutogradContext* context, const Tensor& rows, const Tensor& weight,
                        const std::optional<Tensor>& bias, const model::Head& head,
                        const RowRequest& request, const Comparison& other, int64_t chunk) {
    Tensor values = torch::empty({rows.size(0)}, rows.options().dtype(wide(rows)));
    for (int64_t begin = 0; begin < rows.size(0); begin += chunk) {
      const int64_t count = std::min(chunk, rows.size(0) - begin);
      values.narrow(0, begin, count)
          .copy_(row_function_value(request, make_chunk(rows, head, other, begin, count)));
    }
    save_head_numbers(context, head.scale, head.softcap, chunk);
    context->saved_data["reference_scale"] = other.head.scale;
    context->saved_data["reference_softcap"] = other.head.softcap;
    context->saved_data["function"] = static_cast<int64_t>(request.function);
    context->saved_data["beta"] = request.beta;
    context->saved_data["margin"] = request.margin;
    context->save_for_backward({rows, weight, bias.value_or(Tensor()), other.rows,
                                other.head.weight, other.head.bias, other.targets});
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
    request.function = static_cast<RowFunction>(numbers["function"].toInt());
    request.beta = numbers["beta"].toDouble();
    request.margin = numbers["margin"].toDouble();
    const int64_t chunk = numbers["chunk"].toInt();
    // Only tensors that were given count as inputs there.
    const bool need_bias = head.bias.defined() && context->needs_input_grad(2);
    HeadGradient result(rows, head, context->needs_input_grad(0), context->needs_input_grad(1),
                        need_bias);
    for (int64_t begin = 0; begin < rows.size(0); begin += chunk) {
      const int64_t count = std::min(chunk, rows.size(0) - begin);
      const RowChunk part = make_chunk(rows, head, other, begin, count);
      Tensor gradient = row_function_gradient(request, part);
      gradient.mul_(outputs[0].narrow(0, begin, count).unsqueeze(1));
      through_cap(gradient, part.logits, head);
      result.add(rows.narrow(0, begin, count), begin, gradient);
    }
    return {result.rows(), result.weight(), result.bias(), {}, {}, {}, {}};
  }
};

}  // namespace

Tensor row_values(const RowRequest& request, const Tensor& rows, const model::Head& head,
                  const RowComparison& comparison, const LogitsOptions& options) {
  if (rows.size(0) == 0) return rows.new_zeros({0}, wide(rows)) + 0.0 * rows.sum();
  Comparison other;
  if (needs_reference(request.function)) {
    UNLEARN_CHECK(rows.size(0) == comparison.reference_rows.size(0));
    other.rows = comparison.reference_rows;
    other.head = comparison.reference_head;
  }
  if (needs_targets(request.function)) {
    UNLEARN_CHECK(rows.size(0) == comparison.targets.size(0));
    other.targets = comparison.targets;
  }
  // Two rows of logits and two temporaries are alive at a time.
  const int64_t chunk = chunk_rows(rows, head.weight, options.chunk_bytes / 2);
  return RowValues::apply(rows, head.weight, optional_tensor(head.bias), head, request, other,
                          chunk);
}

}  // namespace unlearn::scoring
