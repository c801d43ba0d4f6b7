// Everything that can be wrong with a prepared run is found here, before anything is written.
// Nothing is changed by it.
#pragma once

#include "unlearn/run/prepare.h"
#include "unlearn/train/run_folder.h"

namespace unlearn::run {

// All but the memory, which settle_memory (plan.h) checks, and the output folder itself
// (RunFolder::check): what --overwrite would remove, rates, reference, method, sharing, and the
// evaluation's data and logs. UserError for the first thing that is wrong; warnings for what is
// likely a mistake.
void check(const RunConfig& config, const PreparedRun& run, train::ExistingOutput existing);

}  // namespace unlearn::run
