#include "unlearn/scoring/score_batch.h"

#include <algorithm>
#include <array>
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

// Fills logp of the roles that ask for it; rows of other roles never meet the head.
void fill_logp(BatchScores& scores, const data::PackedBatch& batch, const Tensor& hidden,
               const model::Head& head, const ScoreRequest& request) {
  const torch::Device device = hidden.device();
  // Label rows of all roles that ask, and each role's places among them.
  std::vector<int64_t> wanted;
  std::array<std::vector<int64_t>, data::kNumRoles> places;
  for (const data::Segment& segment : batch.segments) {
    if (!request.of(segment.role).logp) continue;
    for (int64_t i = 0; i < segment.num_labels; ++i) {
      places[static_cast<size_t>(segment.role)].push_back(static_cast<int64_t>(wanted.size()));
      wanted.push_back(segment.label_offset + i);
    }
  }
  const bool all = static_cast<int64_t>(wanted.size()) == batch.targets.size(0);
  const Tensor at = all ? Tensor() : torch::tensor(wanted, torch::kLong);
  const Tensor label_rows = all ? batch.label_rows : batch.label_rows.index_select(0, at);
  const Tensor targets = all ? batch.targets : batch.targets.index_select(0, at);
  const Tensor logp = token_logprob(hidden.index_select(0, label_rows.to(device)), head,
                                    targets.to(device), request.logits);
  for (const Role role : {Role::kForget, Role::kRetain, Role::kAlternate}) {
    if (!request.of(role).logp) continue;
    const std::vector<int64_t>& own = places[static_cast<size_t>(role)];
    const bool alone = own.size() == wanted.size();
    of_role(scores, role).logp = alone ? logp : logp.index_select(0, index_tensor(own, device));
  }
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
  if (!scores.logp.defined()) return;
  std::vector<Tensor> parts;
  for (const data::Example* example : scores.examples) {
    if (!reference.has_logp(*example)) return;
    parts.push_back(reference.logp(*example));
  }
  if (!parts.empty()) scores.reference_logp = torch::cat(parts).to(scores.logp.device());
}

// The label that the output at `position` predicts. Where there is none, the entry that the label
// -100 names when it is used as an index from the end (train.compat: undial_ou).
int64_t target_at(const data::Example& example, int64_t position, int64_t vocabulary) {
  const auto next = static_cast<size_t>(position) + 1;
  const int64_t label = next < example.labels.size() ? example.labels[next] : data::kIgnored;
  return label == data::kIgnored ? vocabulary + data::kIgnored : label;
}

// Full-vocabulary values of one role's sequences.
void fill_rows(TokenScores& scores, const data::PackedBatch& batch, Role role, const Tensor& hidden,
               const model::Head& head, const ScoreRequest& request,
               const ReferenceCache* reference) {
  const RowRequest& wanted = request.of(role).rows;
  if (wanted.function == RowFunction::kNone) return;
  std::vector<int64_t> rows, targets;
  std::vector<Tensor> reference_rows;
  scores.row_offsets = {0};
  for (const data::Segment& segment : batch.segments) {
    if (segment.role != role) continue;
    for (const int64_t position : row_positions(*segment.example, wanted.positions, wanted.skip)) {
      rows.push_back(segment.offset + position);
      targets.push_back(target_at(*segment.example, position, head.weight.size(0)));
    }
    if (needs_reference(wanted.function)) {
      UNLEARN_CHECK(reference != nullptr);
      reference_rows.push_back(reference->hidden(*segment.example));
    }
    scores.row_offsets.push_back(static_cast<int64_t>(rows.size()));
  }
  const torch::Device device = hidden.device();
  RowComparison comparison;
  if (!reference_rows.empty()) {
    comparison.reference_rows = torch::cat(reference_rows).to(device);
    comparison.reference_head = reference->head();
  }
  if (needs_targets(wanted.function)) comparison.targets = index_tensor(targets, device);
  scores.row_values = row_values(wanted, hidden.index_select(0, index_tensor(rows, device)), head,
                                 comparison, request.logits);
}

// A block's output at one role's label tokens.
void fill_hidden(TokenScores& scores, const data::PackedBatch& batch, Role role,
                 const Tensor& captured, const ReferenceCache* reference) {
  std::vector<int64_t> rows;
  std::vector<Tensor> reference_rows;
  for (const data::Segment& segment : batch.segments) {
    if (segment.role != role) continue;
    for (const int64_t position : row_positions(*segment.example, RowPositions::kLabelTokens)) {
      rows.push_back(segment.offset + position);
    }
    if (reference != nullptr && reference->has_layer_hidden(*segment.example)) {
      reference_rows.push_back(reference->layer_hidden(*segment.example));
    }
  }
  const torch::Dtype dtype =
      captured.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
  scores.hidden = captured.index_select(0, index_tensor(rows, captured.device())).to(dtype);
  if (!reference_rows.empty()) {
    scores.reference_hidden = torch::cat(reference_rows).to(captured.device(), dtype);
  }
}

}  // namespace

model::PackedIds packed_ids(const data::PackedBatch& batch, torch::Device device) {
  return {batch.ids.to(device), batch.positions.to(device), batch.offsets, batch.attended};
}

const RoleRequest& ScoreRequest::of(Role role) const {
  return role == Role::kForget ? forget : role == Role::kRetain ? retain : alternate;
}

bool ScoreRequest::with_last_token() const {
  const auto reads = [](const RoleRequest& role) {
    return role.hidden ||
           (role.rows.function != RowFunction::kNone && reads_last_token(role.rows.positions));
  };
  return reads(forget) || reads(retain) || reads(alternate);
}

BatchScores score_batch(model::CausalLM& model, const data::PackedBatch& batch,
                        const ScoreRequest& request, const ReferenceCache* reference) {
  const model::Head head = model.head();
  Tensor captured;
  model::ForwardOptions options;
  if (request.hidden_layer >= 0) {
    options.capture_layer = request.hidden_layer;
    options.captured = &captured;
  }
  const Tensor hidden = model.hidden_states(packed_ids(batch, head.weight.device()), options);
  BatchScores scores;
  for (const Role role : {Role::kForget, Role::kRetain, Role::kAlternate}) {
    TokenScores& part = of_role(scores, role);
    fill_layout(part, batch, role);
    fill_rows(part, batch, role, hidden, head, request, reference);
    if (request.of(role).hidden) fill_hidden(part, batch, role, captured, reference);
  }
  fill_logp(scores, batch, hidden, head, request);
  if (reference != nullptr) {
    for (TokenScores* part : {&scores.forget, &scores.retain, &scores.alternate}) {
      fill_reference(*part, *reference);
    }
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
