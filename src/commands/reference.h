// The reference model of a run as a cache: the policy before its first step, or another model.
#pragma once

#include "commands/session.h"
#include "unlearn/scoring/reference_cache.h"

namespace unlearn::commands {

// `policy` is the model before its first step. UserError when model.reference does not fit it.
scoring::ReferenceCache open_reference(const RunConfig& config, const PreparedRun& run,
                                       const train::RunFolder& folder, model::CausalLM& policy,
                                       const scoring::ReferenceNeeds& needs);

}  // namespace unlearn::commands
