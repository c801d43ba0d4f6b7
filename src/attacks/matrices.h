// What the attacks on weights share.
#pragma once

#include <string>
#include <vector>

#include "unlearn/attacks/attack.h"

namespace unlearn::attacks {

// All parameters with two dimensions, embeddings and head too, in the model's order; they are the
// model's own.
std::vector<torch::Tensor> matrices_of(const model::CausalLM& model);

// Positive numbers of a list setting; UserError names the setting.
std::vector<double> numbers_of(const std::vector<std::string>& texts, const std::string& setting);

}  // namespace unlearn::attacks
