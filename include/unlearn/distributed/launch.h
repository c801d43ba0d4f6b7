// Which process of a run this is.
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

}  // namespace unlearn::distributed
