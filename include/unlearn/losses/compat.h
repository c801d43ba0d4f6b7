// train.compat: what the reference code bases do otherwise than their papers say, by name
// (docs/compat.md). Everything about them lies in src/losses/compat/ and in the methods they belong
// to; the layers below offer masks, row functions and ends of rows that are used here.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "unlearn/losses/loss.h"

namespace unlearn::losses {

// Quirks of a run as a whole, which every method has: they change what the model is shown, not what
// the loss computes of it.
const std::vector<Quirk>& run_quirks();

// Turns on the quirks named in train.compat. UserError for a name nobody knows (naming the nearest)
// and for another method's quirk.
void enable_quirks(Loss& loss, const std::string& method, const std::vector<std::string>& names);
// The settings these quirks imply for the method.
Defaults quirk_settings(Loss& loss, const std::vector<std::string>& names);
// Does to the examples what the quirks do that are on in the loss or named: once, before anything
// is packed. UserError where the data or the tokenizer does not allow it.
void decorate_examples(Loss& loss, const std::vector<std::string>& names, RunExamples& examples);

// OpenUnlearning's names for parameters of ours: {"alpha", "retain_weight"}, … A name that could
// mean two things (its gamma, SimNPO's margin) is not among them.
const std::vector<std::pair<std::string, std::string>>& foreign_parameters();

}  // namespace unlearn::losses
