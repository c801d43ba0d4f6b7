#include "model/blocks.h"

#include "model/recompute.h"
#include "unlearn/core/error.h"

namespace unlearn::model {
namespace {

torch::Tensor normalised(const Named<Norm>& norm, const torch::Tensor& x) {
  return norm.part ? norm.part->forward(x) : x;
}

// Attention alone sees sequences: there, and only there, shared tokens are spread out.
torch::Tensor attend_shared(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                            const BlockContext& context, const AttentionOptions& options) {
  const torch::Tensor& places = context.shared.places;
  return attention(q.index_select(0, places), k.index_select(0, places), v.index_select(0, places),
                   context.offsets, options)
      .index_select(0, context.shared.first);
}

// The view gathers the gradients of all uses of x inside the part before they meet those from
// outside: recomputation adds them in that order too, and sums keep their bits.
torch::Tensor feed_forward(const torch::Tensor& x, const BlockContext& context, const Part& part) {
  return context.recompute_mlp ? recomputed(x, part) : part(x.view(x.sizes()));
}

// The parts that are there, in this order.
ModuleKept chain_of(const Named<Norm>& before, const ModuleKept& part, const Named<Norm>& after,
                    const KeptContext& context) {
  std::vector<ModuleKept> modules;
  if (before.part) modules.push_back(before.part->kept(context, 1));
  modules.push_back(part);
  if (after.part) modules.push_back(after.part->kept(context, 1));
  return chain(modules, context);
}

// Of bytes per token, when something needs them.
Kept stream_if(bool needed, const KeptContext& context) {
  return {needed ? context.stream() : 0, 0};
}

}  // namespace

ModuleKept chain(const std::vector<ModuleKept>& modules, const KeptContext& context) {
  ModuleKept whole{.input = modules.front().input, .output = modules.back().output};
  for (size_t i = 0; i < modules.size(); ++i) {
    whole.inside += modules[i].inside;
    whole.work = Kept::most(whole.work, modules[i].work);
    const bool is_last = i + 1 == modules.size();
    if (!is_last) whole.inside += stream_if(modules[i].output || modules[i + 1].input, context);
  }
  return whole;
}

SelfAttention::SelfAttention(const Placement& placement, const SelfAttentionOptions& options)
    : options_(options) {
  const auto linear = [&](const std::string& name, int64_t in, int64_t out, bool has_bias) {
    return register_module(name,
                           std::make_shared<Linear>(placement, in, out, has_bias, options.layout));
  };
  const int64_t query_width = options.heads * options.head_dim;
  const int64_t key_width = options.kv_heads * options.head_dim;
  if (options.storage == QkvStorage::kSeparate) {
    q_ = linear("q_proj", options.width, query_width, options.qkv_bias);
    k_ = linear("k_proj", options.width, key_width, options.qkv_bias);
    v_ = linear("v_proj", options.width, key_width, options.qkv_bias);
  } else {
    UNLEARN_CHECK(options.storage != QkvStorage::kPerHead || options.heads == options.kv_heads,
                  "q, k and v per head need as many key heads as query heads");
    fused_ =
        linear(options.fused_name, options.width, query_width + 2 * key_width, options.qkv_bias);
  }
  if (options.qk_norm.make) {
    q_norm_ = register_module(options.qk_norm.query_name, options.qk_norm.make(options.heads));
    k_norm_ = register_module(options.qk_norm.key_name, options.qk_norm.make(options.kv_heads));
    options_.qk_norm.make = nullptr;  // it refers to its family's locals
  }
  out_ = linear(options.out_name, query_width, options.width, options.out_bias);
}

ModuleKept SelfAttention::kept(const KeptContext& context) const {
  const AttentionShape shape{options_.heads, options_.kv_heads, options_.head_dim};
  const ModuleKept mixing = attention_kept(shape, options_.attention, context);
  ModuleKept kept{.inside = mixing.inside, .work = mixing.work};
  for (const Linear* projection : {q_.get(), k_.get(), v_.get(), fused_.get()}) {
    if (projection == nullptr) continue;
    const ModuleKept own = projection->kept(context);
    kept.inside += own.inside;
    kept.input |= own.input;
  }
  // A norm of queries or keys needs what it is given; rotation needs nothing.
  const auto add_norm = [&](const Norm* norm, int64_t heads) {
    if (norm == nullptr) return;
    kept.inside += norm->kept(context, options_.qk_norm.spans_heads ? 1 : heads).inside;
    kept.inside.token += heads * options_.head_dim * context.element();
  };
  add_norm(q_norm_.get(), options_.heads);
  add_norm(k_norm_.get(), options_.kv_heads);
  const ModuleKept out = out_->kept(context);
  kept.inside += out.inside;
  if (mixing.output || out.input) {
    kept.inside.token += options_.heads * options_.head_dim * context.element();
  }
  return kept;
}

SelfAttention::Heads SelfAttention::project(const torch::Tensor& x) const {
  const int64_t tokens = x.size(0);
  const int64_t dim = options_.head_dim;
  if (options_.storage == QkvStorage::kSeparate) {
    return {q_->forward(x).view({tokens, options_.heads, dim}),
            k_->forward(x).view({tokens, options_.kv_heads, dim}),
            v_->forward(x).view({tokens, options_.kv_heads, dim})};
  }
  const torch::Tensor fused = fused_->forward(x);
  if (options_.storage == QkvStorage::kStacked) {
    const auto parts =
        fused.view({tokens, options_.heads + 2 * options_.kv_heads, dim})
            .split_with_sizes({options_.heads, options_.kv_heads, options_.kv_heads}, 1);
    return {parts[0], parts[1], parts[2]};
  }
  const auto parts = fused.view({tokens, options_.heads, 3 * dim}).chunk(3, -1);
  return {parts[0], parts[1], parts[2]};
}

torch::Tensor SelfAttention::normalise(const Norm* norm, const torch::Tensor& x) const {
  if (norm == nullptr) return x;
  return options_.qk_norm.spans_heads ? norm->forward(x.flatten(1)).view(x.sizes())
                                      : norm->forward(x);
}

torch::Tensor SelfAttention::forward(const torch::Tensor& x, const BlockContext& context) const {
  Heads heads = project(x);
  heads.q = apply_rope(normalise(q_norm_.get(), heads.q), context.rope);
  heads.k = apply_rope(normalise(k_norm_.get(), heads.k), context.rope);
  return out_->forward(mix(heads, context).view({x.size(0), options_.heads * options_.head_dim}));
}

torch::Tensor SelfAttention::mix(const Heads& heads, const BlockContext& context) const {
  const AttentionOptions& options = options_.attention;
  if (context.cache != nullptr) {
    return context.cache->append_and_attend(context.layer, heads.q, heads.k, heads.v,
                                            context.offsets, options);
  }
  if (context.shared.places.defined()) {
    return attend_shared(heads.q, heads.k, heads.v, context, options);
  }
  if (context.seen != nullptr) {
    return masked_attention(heads.q, heads.k, heads.v, context.offsets, *context.seen, options);
  }
  return attention(heads.q, heads.k, heads.v, context.offsets, options);
}

// One order of registration for both kinds of block; the parts' own order is the checkpoint's.
void Block::register_parts(const BlockParts& parts) {
  const auto add = [&](const auto& named) {
    if (named.part) register_module(named.name, named.part);
  };
  add(parts.input_norm);
  add(parts.attention);
  add(parts.attention_norm);
  add(parts.mlp_norm);
  add(parts.mlp);
  add(parts.output_norm);
}

SequentialBlock::SequentialBlock(BlockParts parts) : parts_(std::move(parts)) {
  register_parts(parts_);
}

torch::Tensor SequentialBlock::forward(const torch::Tensor& x, const BlockContext& context) const {
  const torch::Tensor attended =
      parts_.attention.part->forward(normalised(parts_.input_norm, x), context);
  const torch::Tensor middle = x + normalised(parts_.attention_norm, attended);
  return middle + feed_forward(middle, context, [this](const torch::Tensor& input) {
           const torch::Tensor out = parts_.mlp.part->forward(normalised(parts_.mlp_norm, input));
           return normalised(parts_.output_norm, out);
         });
}

BlockKept SequentialBlock::kept(const KeptContext& context) const {
  const ModuleKept first = chain_of(parts_.input_norm, parts_.attention.part->kept(context),
                                    parts_.attention_norm, context);
  const ModuleKept second =
      chain_of(parts_.mlp_norm, parts_.mlp.part->kept(context), parts_.output_norm, context);
  const Kept attention = first.inside + stream_if(first.input, context);
  return {.all = attention + second.inside + stream_if(second.input, context),
          .selective = attention + stream_if(true, context),
          .work = Kept::most(first.work, second.work)};
}

ParallelBlock::ParallelBlock(BlockParts parts) : parts_(std::move(parts)) {
  register_parts(parts_);
}

torch::Tensor ParallelBlock::forward(const torch::Tensor& x, const BlockContext& context) const {
  const torch::Tensor normal = normalised(parts_.input_norm, x);
  const torch::Tensor mlp_input = parts_.mlp_norm.part ? parts_.mlp_norm.part->forward(x) : normal;
  return parts_.attention.part->forward(normal, context) +
         feed_forward(
             mlp_input, context,
             [mlp = parts_.mlp.part](const torch::Tensor& input) { return mlp->forward(input); }) +
         x;
}

BlockKept ParallelBlock::kept(const KeptContext& context) const {
  const ModuleKept attention = parts_.attention.part->kept(context);
  const ModuleKept mlp = parts_.mlp.part->kept(context);
  const bool is_shared = parts_.mlp_norm.part == nullptr;
  const auto inside = [&](const Named<Norm>& norm) {
    return norm.part ? norm.part->kept(context, 1).inside : Kept{};
  };
  const Kept norms = inside(parts_.input_norm) + inside(parts_.mlp_norm);
  // The block's input, for its norms, and what they make of it: one tensor or two.
  const auto streams = [&](bool keeps_mlp_input) {
    const bool normal = attention.input || (is_shared && keeps_mlp_input);
    return stream_if(true, context) + stream_if(normal, context) +
           stream_if(!is_shared && keeps_mlp_input, context);
  };
  return {.all = norms + attention.inside + mlp.inside + streams(mlp.input),
          .selective = norms + attention.inside + streams(true),
          .work = Kept::most(attention.work, mlp.work)};
}

}  // namespace unlearn::model
