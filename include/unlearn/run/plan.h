// The memory plan of a run, and what --dry-run prints.
#pragma once

#include <cstdint>
#include <string>

#include "unlearn/run/prepare.h"

namespace unlearn::run {

// Bytes that one process of the run may take: train.memory_gib, or what the device has free.
int64_t memory_limit(const RunConfig& config, const PreparedRun& run);

// Predicts the memory of the run (into run.memory) and replaces `auto` in its memory modes by what
// fits into `limit` bytes. UserError when not even the smallest of the allowed modes does.
void settle_memory(RunConfig& config, PreparedRun& run, int64_t limit);

// The plan as text, with the memory that has been settled: steps, tokens, micro-batches, predicted
// memory.
std::string describe_plan(const RunConfig& config, const PreparedRun& run);

}  // namespace unlearn::run
