// What keeps the process small on the CPU.
#pragma once

namespace unlearn::runtime {

// From now on tensors of 64 KiB and more come from a BlockArena: the process then holds no more
// memory than its tensors ever take at one time, which the C library's heap exceeds by a fifth when
// activations and gradients of many sizes take turns. Once per process, before other threads make
// tensors; later calls change nothing.
void use_arena_for_host_tensors();

// bf16 matrix products on the CPU are compiled for every shape, and steps differ in their number of
// tokens: keeps the last 64 of them, a few steps' worth, where a thousand would take a gigabyte.
// Before the first product; the user's own settings of the libraries' variables win.
void bound_matrix_kernels();

// Gives memory that nothing uses back to the system, e.g. after loading.
void trim_host_memory();

}  // namespace unlearn::runtime
