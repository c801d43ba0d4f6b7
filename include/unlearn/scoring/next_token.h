// Two smaller questions to a model: how likely some next tokens are, and how large a gradient is.
#pragma once

#include <cstdint>
#include <vector>

#include "unlearn/data/example.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::scoring {

struct NextTokenQuery {
  const std::vector<int32_t>* prompt;      // at least one token
  const std::vector<int32_t>* candidates;  // at least one
};
// log p(candidate | prompt) of every candidate, all prompts in one packed pass.
std::vector<std::vector<double>> next_token_logprob(model::CausalLM& model,
                                                    const std::vector<NextTokenQuery>& queries);

// Mean over the trainable parameter tensors of the 2-norm of d(mean label loss)/d(parameter); a
// tensor that the loss does not reach counts as 0. Leaves .grad untouched.
double mean_gradient_norm(model::CausalLM& model, const data::Example& example);

}  // namespace unlearn::scoring
