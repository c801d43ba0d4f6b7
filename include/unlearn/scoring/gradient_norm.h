// How large the gradient of one example is.
#pragma once

#include "unlearn/data/example.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::scoring {

// Mean over the trainable parameter tensors of the 2-norm of d(mean label loss)/d(parameter); a
// tensor that the loss does not reach counts as 0. Leaves .grad untouched, also in the middle of a
// training run.
double mean_gradient_norm(model::CausalLM& model, const data::Example& example);

}  // namespace unlearn::scoring
