// Where the CPU's tensors live.
#pragma once

namespace unlearn::model {

// From now on tensors of 64 KiB and more come from a BlockArena: the process then holds no more
// memory than its tensors ever take at one time, which the C library's heap exceeds by a fifth when
// activations and gradients of many sizes take turns. Once per process, before other threads make
// tensors; later calls change nothing.
void use_arena_for_host_tensors();

// Gives memory that nothing uses back to the system, e.g. after loading.
void trim_host_memory();

}  // namespace unlearn::model
