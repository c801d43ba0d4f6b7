// Which process of a run this is, and how to start several.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace unlearn::distributed {

// As torchrun, Slurm's srun and mpirun set it in the environment.
struct Launch {
  int64_t rank = 0;
  int64_t size = 1;
  std::optional<int64_t> local_rank;  // among the processes on this machine, where it is known
  std::string address;                // where rank 0 listens
  int64_t port = 0;
  bool is_hosted = false;  // torchrun itself listens there …
  std::string attempt;     // … also when it starts all processes again
};

// RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT; without them what srun or Open MPI's
// mpirun set under their own names. One process where nothing is set. UserError
// names the variable that is missing or wrong.
Launch launch_from_environment();

// Whether an address means this machine alone.
bool is_loopback(const std::string& address);

// Runs this program `processes` times on this machine, each with its own values of the variables
// above, and waits for all of them; signals are passed on. When one ends badly, the others are
// given time to follow. Returns 0 when all ended well, else the exit code of a process that a
// signal killed, or that of the first process, or another's. Must be called before the program has
// threads.
int run_processes(int64_t processes, const std::vector<std::string>& arguments);

}  // namespace unlearn::distributed
