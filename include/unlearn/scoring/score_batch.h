// Batch + model -> token scores by role: one forward pass for all sequences of a pack.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "unlearn/data/packing.h"
#include "unlearn/data/shared_pack.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/runtime/token_budget.h"
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

// What one example's label tokens scored, torch-free for metrics and files.
struct ExampleScore {
  std::vector<double> logp;             // log pi of every label
  std::vector<uint8_t> argmax_matches;  // 1 where the most likely token is the label
  std::vector<double> mean_logp;        // with moments: sum_v p log p
  std::vector<double> variance_logp;

  double sum() const;
  double mean() const;  // sum / number of labels
};

struct ScoreExamplesOptions {
  int64_t batch_tokens = runtime::kScoringTokens.cpu;
  bool moments = false;               // for all examples …
  std::vector<uint8_t> with_moments;  // … or for those marked here; empty: none
  // Lets examples that begin alike share those tokens (the answers of one question): the same
  // values with fewer tokens to run.
  bool share_beginnings = true;
  std::optional<LogitsOptions> logits;  // unset: what suits the device
  std::function<void(int64_t done, int64_t total)> progress;
};

// Scores in packed batches, without gradient; results in input order.
std::vector<ExampleScore> score_examples(model::CausalLM& model,
                                         const std::vector<const data::Example*>& examples,
                                         const ScoreExamplesOptions& options = {});

}  // namespace unlearn::scoring
