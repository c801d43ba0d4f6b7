// Which process of a run this is, and how to start several.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace unlearn::distributed {

// As torchrun, Slurm's srun and mpirun tell it through the environment.
struct Launch {
  int64_t rank = 0;
  int64_t size = 1;
  int64_t local_rank = 0;  // among the processes on this machine
  int64_t local_size = 1;
  std::string address;  // where rank 0 listens
  int64_t port = 0;
  bool is_hosted = false;  // torchrun itself listens there
};

// RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT; without them what
// srun or Open MPI's mpirun say in their own words. One process where nothing is said. UserError
// names the variable that is missing or wrong.
Launch launch_from_environment();

// Runs this program `processes` times on this machine, told apart by the variables above, and waits
// for all of them; signals are passed on. Returns the exit code of the first that failed, or 0.
// Must be called before the program has threads.
int run_processes(int64_t processes, const std::vector<std::string>& arguments);

// The cores of this machine, divided among its processes, unless OMP_NUM_THREADS says otherwise.
void share_cores(const Launch& launch);

}  // namespace unlearn::distributed
