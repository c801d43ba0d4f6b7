// Scores of examples one by one as far as their values go, in shared packs as far as work goes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "unlearn/data/example.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/runtime/token_budget.h"
#include "unlearn/scoring/token_logprob.h"

namespace unlearn::scoring {

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
