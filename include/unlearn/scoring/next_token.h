// How likely some next tokens are.
#pragma once

#include <cstdint>
#include <vector>

#include "unlearn/model/causal_lm.h"

namespace unlearn::scoring {

struct NextTokenQuery {
  const std::vector<int32_t>* prompt;      // at least one token
  const std::vector<int32_t>* candidates;  // at least one
};
// log p(candidate | prompt) of every candidate, all prompts in one packed pass.
std::vector<std::vector<double>> next_token_logprob(model::CausalLM& model,
                                                    const std::vector<NextTokenQuery>& queries);

}  // namespace unlearn::scoring
