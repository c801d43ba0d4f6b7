#include "unlearn/scoring/score_batch.h"

#include <algorithm>
#include <numeric>

#include "unlearn/core/error.h"

namespace unlearn::scoring {
namespace {

using data::Role;
using torch::Tensor;

TokenScores& of_role(BatchScores& scores, Role role) {
  switch (role) {
    case Role::kForget:
      return scores.forget;
    case Role::kRetain:
      return scores.retain;
    case Role::kAlternate:
      return scores.alternate;
  }
  UNLEARN_CHECK(false);
}

Tensor index_tensor(const std::vector<int64_t>& values, torch::Device device) {
  return torch::tensor(values, torch::kLong).to(device);
}

// Rows of the pack's labels that belong to one role, in segment order.
std::vector<int64_t> label_indices(const data::PackedBatch& batch, Role role) {
  std::vector<int64_t> rows;
  for (const data::Segment& segment : batch.segments) {
    if (segment.role != role) continue;
    for (int64_t i = 0; i < segment.num_labels; ++i) rows.push_back(segment.label_offset + i);
  }
  return rows;
}

bool all_of_role(const data::PackedBatch& batch, Role role) {
  return std::all_of(batch.segments.begin(), batch.segments.end(),
                     [&](const data::Segment& segment) { return segment.role == role; });
}

void fill_layout(TokenScores& scores, const data::PackedBatch& batch, Role role) {
  scores.offsets = {0};
  for (const data::Segment& segment : batch.segments) {
    if (segment.role != role) continue;
    scores.examples.push_back(segment.example);
    scores.offsets.push_back(scores.offsets.back() + segment.num_labels);
  }
}

void fill_reference(TokenScores& scores, const ReferenceCache& reference) {
  std::vector<Tensor> parts;
  for (const data::Example* example : scores.examples) {
    if (!reference.has_logp(*example)) return;
    parts.push_back(reference.logp(*example));
  }
  if (!parts.empty()) scores.reference_logp = torch::cat(parts).to(scores.logp.device());
}

// KL rows of the retain sequences against the cached reference states.
void fill_kl(TokenScores& scores, const data::PackedBatch& batch, const Tensor& hidden,
             const model::Head& head, const ScoreRequest& request,
             const ReferenceCache& reference) {
  std::vector<int64_t> rows;
  std::vector<Tensor> reference_rows;
  scores.row_offsets = {0};
  for (const data::Segment& segment : batch.segments) {
    if (segment.role != Role::kRetain) continue;
    for (const int64_t position : row_positions(*segment.example, request.retain_row_positions)) {
      rows.push_back(segment.offset + position);
    }
    reference_rows.push_back(reference.hidden(*segment.example));
    scores.row_offsets.push_back(static_cast<int64_t>(rows.size()));
  }
  if (rows.empty()) return;
  const Tensor selected = hidden.index_select(0, index_tensor(rows, hidden.device()));
  scores.row_values = forward_kl(selected, head, torch::cat(reference_rows).to(hidden.device()),
                                 reference.head(), request.logits);
}

}  // namespace

model::PackedIds packed_ids(const data::PackedBatch& batch, torch::Device device) {
  return {batch.ids.to(device), batch.positions.to(device), batch.offsets};
}

BatchScores score_batch(model::CausalLM& model, const data::PackedBatch& batch,
                        const ScoreRequest& request, const ReferenceCache* reference) {
  const model::Head head = model.head();
  const torch::Device device = head.weight.device();
  const Tensor hidden = model.hidden_states(packed_ids(batch, device));
  const Tensor rows = hidden.index_select(0, batch.label_rows.to(device));
  const Tensor logp = token_logprob(rows, head, batch.targets.to(device), request.logits);
  BatchScores scores;
  for (const Role role : {Role::kForget, Role::kRetain, Role::kAlternate}) {
    TokenScores& part = of_role(scores, role);
    fill_layout(part, batch, role);
    part.logp = all_of_role(batch, role)
                    ? logp
                    : logp.index_select(0, index_tensor(label_indices(batch, role), device));
    if (reference != nullptr) fill_reference(part, *reference);
  }
  if (request.retain_rows == RowFunction::kForwardKl) {
    UNLEARN_CHECK(reference != nullptr);
    fill_kl(scores.retain, batch, hidden, head, request, *reference);
  }
  return scores;
}

double ExampleScore::sum() const { return std::accumulate(logp.begin(), logp.end(), 0.0); }

double ExampleScore::mean() const {
  return logp.empty() ? 0.0 : sum() / static_cast<double>(logp.size());
}

namespace {

std::vector<double> to_doubles(const Tensor& values, int64_t begin, int64_t count) {
  const Tensor part = values.narrow(0, begin, count).to(torch::kCPU, torch::kDouble).contiguous();
  return {part.data_ptr<double>(), part.data_ptr<double>() + count};
}

void store_scores(const data::PackedBatch& batch, const RowStatistics& rows, bool moments,
                  const std::vector<size_t>& order, size_t first,
                  std::vector<ExampleScore>& results) {
  const Tensor matches = rows.argmax_matches.to(torch::kCPU, torch::kByte).contiguous();
  for (size_t i = 0; i < batch.segments.size(); ++i) {
    const data::Segment& segment = batch.segments[i];
    ExampleScore& score = results[order[first + i]];
    const int64_t begin = segment.label_offset;
    const int64_t count = segment.num_labels;
    score.logp = to_doubles(rows.logp, begin, count);
    const auto* bytes = matches.data_ptr<uint8_t>() + begin;
    score.argmax_matches.assign(bytes, bytes + count);
    if (!moments) continue;
    score.mean_logp = to_doubles(rows.mean_logp, begin, count);
    score.variance_logp = to_doubles(rows.variance_logp, begin, count);
  }
}

}  // namespace

std::vector<ExampleScore> score_examples(model::CausalLM& model,
                                         const std::vector<const data::Example*>& examples,
                                         const ScoreExamplesOptions& options) {
  torch::NoGradGuard no_grad;
  std::vector<size_t> order(examples.size());
  std::iota(order.begin(), order.end(), size_t{0});
  // Sequences of like length lie together: the CPU's attention pads within groups.
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return examples[a]->tokens.size() > examples[b]->tokens.size();
  });
  std::vector<data::PackItem> items;
  for (const size_t index : order) items.push_back({Role::kForget, examples[index]});
  const std::vector<size_t> cuts = data::cut_by_tokens(items, options.batch_tokens);
  const model::Head head = model.head();
  const torch::Device device = head.weight.device();
  std::vector<ExampleScore> results(examples.size());
  for (size_t c = 0; c + 1 < cuts.size(); ++c) {
    const auto begin = items.begin() + static_cast<int64_t>(cuts[c]);
    const data::PackedBatch batch =
        data::pack({begin, items.begin() + static_cast<int64_t>(cuts[c + 1])});
    const Tensor hidden = model.hidden_states(packed_ids(batch, device));
    const RowStatistics rows =
        row_statistics(hidden.index_select(0, batch.label_rows.to(device)), head,
                       batch.targets.to(device), options.moments, options.logits);
    store_scores(batch, rows, options.moments, order, cuts[c], results);
    if (options.progress) {
      options.progress(static_cast<int64_t>(cuts[c + 1]), static_cast<int64_t>(items.size()));
    }
  }
  return results;
}

}  // namespace unlearn::scoring
