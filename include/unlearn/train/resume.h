// Where a run that was stopped can go on.
#pragma once

#include <cstdint>
#include <optional>

#include "unlearn/train/run_folder.h"

namespace unlearn::train {

// The step of the newest checkpoint that is whole: its files are what its manifest says, and
// metrics.jsonl has the lines up to it. Newer ones that are not are named in a warning. None when
// the run has no checkpoint yet; UserError when it has some and none is whole. Reads all of a
// checkpoint. One without a manifest, of an earlier version, is taken as it is.
std::optional<int64_t> newest_whole_checkpoint(const RunFolder& folder);

// The same among those of step `last` and before, of another run's folder: none when none of them
// is whole, which a warning says.
std::optional<int64_t> whole_checkpoint_before(const RunFolder& folder, int64_t last);

}  // namespace unlearn::train
