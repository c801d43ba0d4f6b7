// The reference model of a run as a cache: the policy before its first step, or another model.
#pragma once

#include <string>

#include "unlearn/run/train.h"
#include "unlearn/scoring/reference_cache.h"

namespace unlearn::run {

// training.model is the policy before its first step. `inputs_key`: TrainingOptions::reference_key.
// The values lie in $UNLEARN_CACHE_DIR, else in the run folder. UserError when model.reference does
// not fit the model.
scoring::ReferenceCache open_reference(const Training& training, const std::string& inputs_key,
                                       const scoring::ReferenceNeeds& needs);

}  // namespace unlearn::run
