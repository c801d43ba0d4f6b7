#include "model/attention.h"

#include <cmath>

#include "model/attention_cuda.h"
#include "unlearn/core/error.h"

namespace unlearn::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

double scale_of(const AttentionOptions& options, int64_t head_dim) {
  return options.scale != 0.0 ? options.scale : 1.0 / std::sqrt(static_cast<double>(head_dim));
}

// What a query may see, [queries, keys]; query i stands at key position i + keys - queries.
torch::Tensor visible_keys(int64_t queries, int64_t keys, int64_t window, torch::Device device) {
  const auto integers = torch::TensorOptions().dtype(torch::kInt64).device(device);
  const torch::Tensor query = torch::arange(keys - queries, keys, integers).unsqueeze(1);
  const torch::Tensor key = torch::arange(keys, integers).unsqueeze(0);
  torch::Tensor visible = key <= query;
  if (window > 0) visible = visible & (key > query - window);
  return visible;
}

// [n, H, D] as [groups, Hkv, n, D]: query head h = kv * groups + g, so that key heads can be
// repeated over `groups` by a stride of zero.
torch::Tensor group_queries(const torch::Tensor& q, int64_t kv_heads) {
  const int64_t groups = q.size(1) / kv_heads;
  return q.view({q.size(0), kv_heads, groups, q.size(2)}).permute({2, 1, 0, 3});
}

torch::Tensor repeat_keys(const torch::Tensor& k, int64_t groups) {
  return k.transpose(0, 1).unsqueeze(0).expand({groups, k.size(1), k.size(0), k.size(2)});
}

torch::Tensor ungroup(const torch::Tensor& out, int64_t heads) {
  return out.permute({2, 1, 0, 3}).reshape({out.size(2), heads, out.size(3)});
}

// The plain form for what fused kernels cannot do. Differentiable on any device. `visible`
// [queries, keys]; undefined: everything.
torch::Tensor explicit_attention(const torch::Tensor& q, const torch::Tensor& k,
                                 const torch::Tensor& v, const torch::Tensor& visible,
                                 const AttentionOptions& options) {
  const int64_t groups = q.size(1) / k.size(1);
  torch::Tensor scores =
      torch::matmul(group_queries(q * scale_of(options, q.size(2)), k.size(1)),
                    k.permute({1, 2, 0}).unsqueeze(0).expand({groups, -1, -1, -1}));
  if (options.softcap > 0) scores = torch::tanh(scores / options.softcap) * options.softcap;
  if (visible.defined()) scores = scores.masked_fill(visible.logical_not(), -INFINITY);
  const auto wide = scores.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  const torch::Tensor weights = torch::softmax(scores, -1, wide).to(q.scalar_type());
  return ungroup(torch::matmul(weights, repeat_keys(v, groups)), q.size(1));
}

torch::Tensor causal_explicit_attention(const torch::Tensor& q, const torch::Tensor& k,
                                        const torch::Tensor& v, const AttentionOptions& options) {
  return explicit_attention(q, k, v, visible_keys(q.size(0), k.size(0), options.window, q.device()),
                            options);
}

// Whether a device has attention without kept scores.
bool has_fused_form(bool on_cpu, torch::Dtype dtype, int64_t head_dim,
                    const AttentionOptions& options) {
  return on_cpu ? options.softcap == 0.0 : has_flash_attention(dtype, head_dim, options.softcap);
}

// One segment's arguments for ATen's fused CPU kernel.
struct Segment {
  torch::Tensor q, k, v;  // [groups, Hkv, n, D]
  std::optional<torch::Tensor> mask;
  bool is_causal = true;
};

// ATen's fused CPU kernel per sequence, forward and backward writing into slices of packed tensors:
// no padding, no copies of key heads, and none of the zero-filled gradients that autograd would
// make for slices.
class CpuAttention : public torch::autograd::Function<CpuAttention> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& q,
                               const torch::Tensor& k, const torch::Tensor& v,
                               const std::vector<int64_t>& offsets, double scale, int64_t window) {
    torch::Tensor out = torch::empty(q.sizes(), q.options());
    tensor_list saved{q, k, v, out};
    for (size_t i = 0; i + 1 < offsets.size(); ++i) {
      if (offsets[i] == offsets[i + 1]) {
        saved.emplace_back();
        continue;
      }
      const Segment segment = cut(q, k, v, offsets[i], offsets[i + 1], window);
      const auto [result, log_sums] = at::_scaled_dot_product_flash_attention_for_cpu(
          segment.q, segment.k, segment.v, 0.0, segment.is_causal, segment.mask, scale);
      group_queries(out.slice(0, offsets[i], offsets[i + 1]), k.size(1)).copy_(result);
      saved.push_back(log_sums);
    }
    context->save_for_backward(std::move(saved));
    context->saved_data["offsets"] = offsets;
    context->saved_data["scale"] = scale;
    context->saved_data["window"] = window;
    return out;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &out = saved[3];
    const auto offsets = context->saved_data["offsets"].toIntVector();
    const double scale = context->saved_data["scale"].toDouble();
    const int64_t window = context->saved_data["window"].toInt();
    const torch::Tensor gradient = gradients[0].contiguous();
    torch::Tensor dq = torch::empty(q.sizes(), q.options());
    torch::Tensor dk = torch::empty(k.sizes(), k.options());
    torch::Tensor dv = torch::empty(v.sizes(), v.options());
    for (size_t i = 0; i + 1 < offsets.size(); ++i) {
      const int64_t begin = offsets[i];
      const int64_t end = offsets[i + 1];
      if (begin == end) continue;
      const Segment segment = cut(q, k, v, begin, end, window);
      const auto [gq, gk, gv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
          group_queries(gradient.slice(0, begin, end), k.size(1)), segment.q, segment.k, segment.v,
          group_queries(out.slice(0, begin, end), k.size(1)), saved[4 + i], 0.0, segment.is_causal,
          segment.mask, scale);
      group_queries(dq.slice(0, begin, end), k.size(1)).copy_(gq);
      // Each query group made its own gradient of the shared key heads.
      dk.slice(0, begin, end).copy_(gk.sum(0).transpose(0, 1));
      dv.slice(0, begin, end).copy_(gv.sum(0).transpose(0, 1));
    }
    return {dq, dk, dv, torch::Tensor(), torch::Tensor(), torch::Tensor()};
  }

 private:
  static Segment cut(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                     int64_t begin, int64_t end, int64_t window) {
    const int64_t groups = q.size(1) / k.size(1);
    Segment segment{group_queries(q.slice(0, begin, end), k.size(1)),
                    repeat_keys(k.slice(0, begin, end), groups),
                    repeat_keys(v.slice(0, begin, end), groups), std::nullopt};
    const int64_t length = end - begin;
    // Only a sequence longer than the window needs a mask: causality is the kernel's own.
    if (window > 0 && length > window) {
      segment.mask =
          additive_mask(visible_keys(length, length, window, q.device()), q.scalar_type());
      segment.is_causal = false;
    }
    return segment;
  }
};

// Any device: one differentiable call per sequence.
torch::Tensor attend_by_segment(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& v, const std::vector<int64_t>& offsets,
                                const AttentionOptions& options) {
  std::vector<int64_t> lengths;
  for (size_t i = 0; i + 1 < offsets.size(); ++i) lengths.push_back(offsets[i + 1] - offsets[i]);
  const auto qs = q.split_with_sizes(lengths);
  const auto ks = k.split_with_sizes(lengths);
  const auto vs = v.split_with_sizes(lengths);
  std::vector<torch::Tensor> outs;
  for (size_t i = 0; i < lengths.size(); ++i) {
    outs.push_back(causal_explicit_attention(qs[i], ks[i], vs[i], options));
  }
  return torch::cat(outs);
}

}  // namespace

torch::Tensor additive_mask(const torch::Tensor& visible, torch::Dtype dtype) {
  return torch::zeros(visible.sizes(), visible.options().dtype(dtype))
      .masked_fill_(visible.logical_not(), -INFINITY);
}

ModuleKept attention_kept(const AttentionShape& shape, const AttentionOptions& options,
                          const KeptContext& context) {
  const auto [dtype, on_cpu] = context.execution;
  const int64_t element = context.element();
  const int64_t wide = context.wide();
  const int64_t query = shape.heads * shape.head_dim * element;
  const int64_t key = shape.kv_heads * shape.head_dim * element;
  if (has_fused_form(on_cpu, dtype, shape.head_dim, options)) {
    // One log-sum per row.
    return {.inside = {query + 2 * key + shape.heads * wide, 0}, .output = true};
  }
  // Scaled queries, and keys and values repeated for each query head.
  ModuleKept kept{.inside = {3 * query, 0}};
  // The mask, and per head the capped scores, the softmax, and the softmax in the model's dtype.
  kept.inside.pair = 1 + shape.heads * ((options.softcap > 0 ? element : 0) + wide +
                                        (element < wide ? element : 0));
  kept.work.pair = 2 * shape.heads * wide;
  return kept;
}

torch::Tensor attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                        const std::vector<int64_t>& offsets, const AttentionOptions& options) {
  UNLEARN_CHECK(!offsets.empty() && offsets.back() == q.size(0), "offsets do not cover q");
  UNLEARN_CHECK(q.size(1) % k.size(1) == 0, "query heads ", q.size(1), ", key heads ", k.size(1));
  const bool fused = has_fused_form(q.is_cpu(), q.scalar_type(), q.size(2), options);
  if (fused && q.is_cpu()) {
    return CpuAttention::apply(q.contiguous(), k.contiguous(), v.contiguous(), offsets,
                               scale_of(options, q.size(2)), options.window);
  }
  if (fused && q.is_cuda()) {
    return flash_attention(q, k, v, offsets, scale_of(options, q.size(2)), options.window);
  }
  return attend_by_segment(q, k, v, offsets, options);
}

torch::Tensor visible_attention(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& v, const torch::Tensor& visible,
                                const AttentionOptions& options) {
  if (options.softcap > 0) return explicit_attention(q.contiguous(), k, v, visible, options);
  const int64_t groups = q.size(1) / k.size(1);
  std::optional<torch::Tensor> mask;
  if (visible.defined()) mask = visible;
  return ungroup(at::scaled_dot_product_attention(group_queries(q, k.size(1)),
                                                  repeat_keys(k, groups), repeat_keys(v, groups),
                                                  mask, 0.0, false, scale_of(options, q.size(2))),
                 q.size(1));
}

torch::Tensor cached_attention(const torch::Tensor& q, const torch::Tensor& k,
                               const torch::Tensor& v, const torch::Tensor& mask,
                               const AttentionOptions& options) {
  const int64_t sequences = q.size(0), queries = q.size(1), kv_heads = k.size(1);
  const int64_t groups = q.size(2) / kv_heads;
  // The query heads of one key head lie beside each other, as if they were further queries.
  const torch::Tensor grouped = q.reshape({sequences, queries, kv_heads, groups, q.size(3)})
                                    .permute({0, 2, 3, 1, 4})
                                    .reshape({sequences, kv_heads, groups * queries, q.size(3)});
  torch::Tensor added = mask.unsqueeze(1);  // [B, 1 for all heads, 1 for a head's group, M]
  if (queries > 1) {
    added = added.expand({sequences, groups, queries, mask.size(2)})
                .reshape({sequences, 1, groups * queries, mask.size(2)});
  }
  const double scale = scale_of(options, q.size(3));
  torch::Tensor out;
  if (options.softcap > 0) {
    torch::Tensor scores = torch::matmul(grouped * scale, k.transpose(2, 3));
    scores = torch::tanh(scores / options.softcap) * options.softcap + added;
    const auto wide = scores.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
    out = torch::matmul(torch::softmax(scores, -1, wide).to(q.scalar_type()), v);
  } else {
    out = torch::scaled_dot_product_attention(grouped, k, v, added, 0.0, false, scale);
  }
  return out.reshape({sequences, kv_heads, groups, queries, q.size(3)})
      .permute({0, 3, 1, 2, 4})
      .reshape(q.sizes());
}

}  // namespace unlearn::model
