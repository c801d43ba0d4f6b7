// Attention where some tokens are hidden: the seen ones among themselves as ever, then the hidden
// ones' queries against them.
#include <algorithm>

#include "model/attention.h"
#include "unlearn/core/error.h"
#include "unlearn/runtime/device.h"

namespace unlearn::model {
namespace {

// One sequence whose tokens are in part hidden: their positions in it, ascending.
struct MaskedSequence {
  std::vector<int64_t> seen, hidden;

  // Hidden tokens stand between seen ones, not only behind them.
  bool is_interleaved() const {
    return !hidden.empty() && !seen.empty() && hidden.front() < seen.back();
  }
  // Hidden tokens that have no seen one before them.
  int64_t num_blind() const {
    if (seen.empty()) return static_cast<int64_t>(hidden.size());
    return std::lower_bound(hidden.begin(), hidden.end(), seen.front()) - hidden.begin();
  }
};

std::vector<MaskedSequence> split_sequences(const std::vector<int64_t>& offsets,
                                            const std::vector<uint8_t>& seen) {
  std::vector<MaskedSequence> sequences(offsets.size() - 1);
  for (size_t i = 0; i < sequences.size(); ++i) {
    for (int64_t t = offsets[i]; t < offsets[i + 1]; ++t) {
      auto& positions = seen[static_cast<size_t>(t)] != 0 ? sequences[i].seen : sequences[i].hidden;
      positions.push_back(t - offsets[i]);
    }
  }
  return sequences;
}

// [queries, keys] for tokens at these positions.
torch::Tensor visible_between(const std::vector<int64_t>& queries, const std::vector<int64_t>& keys,
                              int64_t window, torch::Device device) {
  const torch::Tensor query = runtime::upload(queries, device).unsqueeze(1);
  const torch::Tensor key = runtime::upload(keys, device).unsqueeze(0);
  torch::Tensor visible = key <= query;
  if (window > 0) visible = visible & (key > query - window);
  return visible;
}

// What hidden tokens at `queries`, each behind a seen one, see of the seen ones; undefined:
// everything.
torch::Tensor visible_to_hidden(const std::vector<int64_t>& queries,
                                const std::vector<int64_t>& seen, int64_t window,
                                torch::Device device) {
  if (window > 0) {
    for (const int64_t query : queries) {
      const int64_t last = *(std::lower_bound(seen.begin(), seen.end(), query) - 1);
      if (query - last < window) continue;
      user_error("a text of ", last + 1, " tokens is followed by ", query - last,
                 " hidden ones: beyond the model's attention window of ", window,
                 " they see nothing, and their outputs are undefined; lower data.max_length");
    }
  }
  const bool is_behind = queries.front() > seen.back();
  if (is_behind && (window == 0 || queries.back() - seen.front() < window)) return {};
  return visible_between(queries, seen, window, device);
}

// The hidden tokens' queries against the seen tokens of their sequence.
torch::Tensor attend_hidden(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                            const MaskedSequence& sequence, const AttentionOptions& options) {
  const int64_t blind = sequence.num_blind();
  if (blind == q.size(0)) return torch::zeros_like(q);
  const std::vector<int64_t> queries(sequence.hidden.begin() + blind, sequence.hidden.end());
  const torch::Tensor visible =
      visible_to_hidden(queries, sequence.seen, options.window, q.device());
  if (blind == 0) return visible_attention(q, k, v, visible, options);
  return torch::cat({torch::zeros_like(q.slice(0, 0, blind)),
                     visible_attention(q.slice(0, blind), k, v, visible, options)});
}

// A window counts the hidden tokens between the seen ones, which a pack of the seen ones lacks.
bool window_counts_hidden(const MaskedSequence& sequence, int64_t window) {
  return window > 0 && sequence.is_interleaved() &&
         sequence.seen.back() - sequence.seen.front() >= window;
}

}  // namespace

torch::Tensor masked_attention(const torch::Tensor& q, const torch::Tensor& k,
                               const torch::Tensor& v, const std::vector<int64_t>& offsets,
                               const std::vector<uint8_t>& seen, const AttentionOptions& options) {
  const std::vector<MaskedSequence> sequences = split_sequences(offsets, seen);
  // Tokens in the order in which they are computed: of each sequence the seen ones, then the
  // others.
  std::vector<int64_t> seen_tokens, seen_offsets = {0}, places(seen.size());
  int64_t place = 0;
  for (size_t i = 0; i < sequences.size(); ++i) {
    for (const int64_t t : sequences[i].seen) {
      seen_tokens.push_back(offsets[i] + t);
      places[static_cast<size_t>(offsets[i] + t)] = place++;
    }
    for (const int64_t t : sequences[i].hidden) {
      places[static_cast<size_t>(offsets[i] + t)] = place++;
    }
    seen_offsets.push_back(static_cast<int64_t>(seen_tokens.size()));
  }
  if (seen_tokens.empty()) return torch::zeros_like(q);
  const torch::Tensor index = runtime::upload(seen_tokens, q.device());
  const torch::Tensor queries = q.index_select(0, index);
  const torch::Tensor keys = k.index_select(0, index);
  const torch::Tensor values = v.index_select(0, index);
  const torch::Tensor among_seen = attention(queries, keys, values, seen_offsets, options);
  std::vector<torch::Tensor> outs;
  bool is_reordered = false;
  for (size_t i = 0; i < sequences.size(); ++i) {
    const MaskedSequence& sequence = sequences[i];
    const int64_t begin = seen_offsets[i], end = seen_offsets[i + 1];
    const torch::Tensor own_keys = keys.slice(0, begin, end);
    const torch::Tensor own_values = values.slice(0, begin, end);
    if (window_counts_hidden(sequence, options.window)) {
      outs.push_back(visible_attention(
          queries.slice(0, begin, end), own_keys, own_values,
          visible_between(sequence.seen, sequence.seen, options.window, q.device()), options));
    } else {
      outs.push_back(among_seen.slice(0, begin, end));
    }
    if (sequence.hidden.empty()) continue;
    is_reordered = is_reordered || sequence.is_interleaved();
    std::vector<int64_t> hidden_tokens;
    for (const int64_t t : sequence.hidden) hidden_tokens.push_back(offsets[i] + t);
    outs.push_back(attend_hidden(q.index_select(0, runtime::upload(hidden_tokens, q.device())),
                                 own_keys, own_values, sequence, options));
  }
  const torch::Tensor out = torch::cat(outs);
  return is_reordered ? out.index_select(0, runtime::upload(places, q.device())) : out;
}

}  // namespace unlearn::model
