// Log-likelihoods of continuations by the rule of lm-evaluation-harness 0.4.8
// (lm_eval/api/model.py, _encode_pair; lm_eval/models/huggingface.py): spaces at a context's end go
// to the continuation; both are tokenised together, without BOS but for model types with "gemma" in
// their name, and what follows the context's own number of tokens is scored; of what is longer than
// the model's context the oldest tokens are taken away.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "unlearn/eval/evaluation.h"
#include "unlearn/eval/plan.h"

namespace unlearn::eval {

struct Continuation {
  std::string context;
  std::string continuation;
};

// Where the answers to some continuations of one question lie.
struct PlannedContinuations {
  std::optional<ChoiceId> choice;  // single tokens after one context
  std::vector<ScoreId> scores;     // else
};

// UserError for a context without a token, and for a continuation that becomes one with it.
// `exactly`: greedy_matches() will be asked for.
PlannedContinuations plan_continuations(const std::vector<Continuation>& continuations,
                                        const EvaluationInputs& inputs, Plan& plan,
                                        bool exactly = false);

// Sum of log p over a continuation's tokens, for each.
std::vector<double> log_likelihoods(const PlannedContinuations& planned, const Results& results);
// Whether every token of the continuation is the likeliest one, for each.
std::vector<bool> greedy_matches(const PlannedContinuations& planned, const Results& results);

}  // namespace unlearn::eval
