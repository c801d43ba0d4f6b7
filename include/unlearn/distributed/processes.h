// Several processes of a run, started on this machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace unlearn::distributed {

// Runs this program `processes` times on this machine, distinguished by the variables of launch.h,
// and waits for all of them; signals are passed on. When one ends badly, the others are given time
// to follow. Returns 0 when all ended well, else the exit code of a process that a signal killed,
// or that of the first process, or another's. Must be called before the program has threads.
int run_processes(int64_t processes, const std::vector<std::string>& arguments);

}  // namespace unlearn::distributed
