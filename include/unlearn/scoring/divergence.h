// How far one model's predictions are from another's.
#pragma once

#include <vector>

#include "unlearn/data/example.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::scoring {

// Per example the mean over its tokens (all but the last, whose output predicts nothing) of
// sum_v p (log p - log q), with p the original's prediction and q the model's; nats. Both models
// have the same vocabulary. One packed pass of each, without gradient.
std::vector<double> mean_divergence(model::CausalLM& model, model::CausalLM& original,
                                    const std::vector<const data::Example*>& examples);

}  // namespace unlearn::scoring
