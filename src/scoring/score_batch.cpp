#include "unlearn/scoring/score_batch.h"

#include <algorithm>
#include <array>

#include "unlearn/core/error.h"
#include "unlearn/runtime/device.h"

namespace unlearn::scoring {
namespace {

using data::Role;
using runtime::upload;
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
  const Tensor logp =
      token_logprob(hidden.index_select(0, upload(label_rows, device)), head,
                    upload(targets, device), request.logits.value_or(LogitsOptions::of(device)));
  for (const Role role : {Role::kForget, Role::kRetain, Role::kAlternate}) {
    if (!request.of(role).logp) continue;
    const std::vector<int64_t>& own = places[static_cast<size_t>(role)];
    const bool alone = own.size() == wanted.size();
    of_role(scores, role).logp = alone ? logp : logp.index_select(0, upload(own, device));
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

void fill_reference(TokenScores& scores, const data::PackedBatch& batch, Role role,
                    const ReferenceCache& reference) {
  if (!scores.logp.defined()) return;
  if (scores.examples.empty()) scores.reference_logp = scores.logp.detach();
  std::vector<Tensor> parts;
  for (const data::Segment& segment : batch.segments) {
    if (segment.role != role) continue;
    if (!reference.has_logp(segment.key())) return;
    parts.push_back(reference.logp(segment.key()));
  }
  if (!parts.empty()) scores.reference_logp = upload(torch::cat(parts), scores.logp.device());
}

// The label that the output at `position` predicts, or `missing`.
int64_t target_at(const data::Example& example, int64_t position, int64_t missing) {
  const auto next = static_cast<size_t>(position) + 1;
  const int64_t label = next < example.labels.size() ? example.labels[next] : data::kIgnored;
  return label == data::kIgnored ? missing : label;
}

// Full-vocabulary values of one role's sequences.
void fill_rows(TokenScores& scores, const data::PackedBatch& batch, Role role, const Tensor& hidden,
               const model::Head& head, const ScoreRequest& request,
               const ReferenceCache* reference) {
  const RowRequest& wanted = request.of(role).rows;
  if (wanted.function == nullptr) return;
  std::vector<int64_t> rows, targets;
  std::vector<Tensor> reference_rows;
  scores.row_offsets = {0};
  if (scores.examples.empty()) {
    const auto wide = hidden.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
    scores.row_values = torch::zeros({0}, hidden.options().dtype(wide));
    return;
  }
  const int64_t end = row_end(scores.examples, wanted);
  const int64_t missing =
      wanted.missing_label < 0 ? head.weight.size(0) + wanted.missing_label : wanted.missing_label;
  for (const data::Segment& segment : batch.segments) {
    if (segment.role != role) continue;
    const auto before = static_cast<int64_t>(rows.size());
    for (const int64_t position : row_positions(*segment.example, wanted.positions, wanted.skip)) {
      if (position >= end) break;
      rows.push_back(segment.offset + position);
      targets.push_back(target_at(*segment.example, position, missing));
    }
    if (wanted.needs_reference()) {
      UNLEARN_CHECK(reference != nullptr);
      // Positions ascend: those that are left out are the last.
      reference_rows.push_back(reference->hidden(segment.key())
                                   .narrow(0, 0, static_cast<int64_t>(rows.size()) - before));
    }
    scores.row_offsets.push_back(static_cast<int64_t>(rows.size()));
  }
  const torch::Device device = hidden.device();
  RowComparison comparison;
  if (!reference_rows.empty()) {
    comparison.reference_rows = upload(torch::cat(reference_rows), device);
    comparison.reference_head = reference->head();
  }
  if (wanted.function->needs_targets) comparison.targets = upload(targets, device);
  scores.row_values = row_values(wanted, hidden.index_select(0, upload(rows, device)), head,
                                 comparison, request.logits.value_or(LogitsOptions::of(device)));
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
    if (reference != nullptr && reference->has_layer_hidden(segment.key())) {
      reference_rows.push_back(reference->layer_hidden(segment.key()));
    }
  }
  const torch::Dtype dtype =
      captured.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
  scores.hidden = captured.index_select(0, upload(rows, captured.device())).to(dtype);
  if (!reference_rows.empty()) {
    scores.reference_hidden = upload(torch::cat(reference_rows), captured.device()).to(dtype);
  } else if (reference != nullptr && scores.examples.empty()) {
    scores.reference_hidden = scores.hidden.detach();
  }
}

}  // namespace

model::PackedIds packed_ids(const data::PackedBatch& batch, torch::Device device) {
  model::PackedIds ids{upload(batch.ids, device), upload(batch.positions, device), batch.offsets};
  ids.seen = batch.seen;
  // transformers' models read the last token too: it counts where the rotation turns with length.
  for (const data::Segment& segment : batch.segments) {
    ids.lengths.push_back(static_cast<int64_t>(segment.example->tokens.size()));
  }
  return ids;
}

model::PackedIds packed_ids(const data::SharedPack& pack, torch::Device device) {
  model::PackedIds ids{pack.ids.to(device), pack.positions.to(device), pack.offsets};
  if (pack.places.defined()) ids.shared = {pack.places.to(device), pack.first.to(device)};
  return ids;
}

const RoleRequest& ScoreRequest::of(Role role) const {
  return role == Role::kForget ? forget : role == Role::kRetain ? retain : alternate;
}

bool ScoreRequest::with_last_token() const {
  const auto reads = [](const RoleRequest& role) {
    return role.hidden || (role.rows.function != nullptr && reads_last_token(role.rows.positions));
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
    for (const Role role : {Role::kForget, Role::kRetain, Role::kAlternate}) {
      fill_reference(of_role(scores, role), batch, role, *reference);
    }
  }
  return scores;
}

}  // namespace unlearn::scoring
