// Batch + model -> token scores by role: one forward pass for all sequences of a pack.
#pragma once

#include <optional>
#include <vector>

#include "unlearn/data/packing.h"
#include "unlearn/data/shared_pack.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/scoring/reference_cache.h"
#include "unlearn/scoring/row_request.h"
#include "unlearn/scoring/token_logprob.h"
#include "unlearn/scoring/token_scores.h"

namespace unlearn::scoring {

// The pack's ids and positions on the model's device.
model::PackedIds packed_ids(const data::PackedBatch& batch, torch::Device device);
model::PackedIds packed_ids(const data::SharedPack& pack, torch::Device device);

// What is computed for the sequences of one role.
struct RoleRequest {
  bool logp = true;
  RowRequest rows;
  bool hidden = false;  // of block ScoreRequest::hidden_layer, at the label tokens
};

struct ScoreRequest {
  RoleRequest forget, retain, alternate;
  int64_t hidden_layer = -1;
  std::optional<LogitsOptions> logits;  // unset: what suits the device

  const RoleRequest& of(data::Role role) const;
  // Whether the batch must be packed with the sequences' last tokens.
  bool with_last_token() const;
};

struct BatchScores {
  TokenScores forget, retain, alternate;
};

// Runs the model once on the pack. `reference` (may be null) fills reference_logp, reference_hidden
// and the rows that a row function compares with.
BatchScores score_batch(model::CausalLM& model, const data::PackedBatch& batch,
                        const ScoreRequest& request, const ReferenceCache* reference);

}  // namespace unlearn::scoring
