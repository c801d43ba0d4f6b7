// What the processes of a run settle among themselves before it begins.
#pragma once

#include <optional>

#include "unlearn/distributed/group.h"
#include "unlearn/run/prepare.h"

namespace unlearn::run {

// The cores of a machine, divided among its processes, unless OMP_NUM_THREADS is set.
void share_cores(const distributed::Group& group);

// Which of several processes on its machine this is; none when it is the only one.
std::optional<int64_t> number_on_machine(const distributed::Group& group);

// Checks that all processes have the same settings, models and token ids, connects their GPUs, and
// plans the memory with the same modes on all: those that fit where there is least. UserError, on
// all, when a process differs from the first, or when the memory is not enough.
void agree(RunConfig& config, PreparedRun& run, distributed::Group& group);

}  // namespace unlearn::run
