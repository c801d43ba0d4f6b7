#include "unlearn/distributed/launch.h"

#include <charconv>
#include <cstdlib>
#include <limits>
#include <optional>

#include "unlearn/core/error.h"

namespace unlearn::distributed {
namespace {

// How a launcher names its variables.
struct Names {
  const char* rank;
  const char* size;
  const char* local_rank;
};
constexpr Names kLaunchers[] = {
    {"RANK", "WORLD_SIZE", "LOCAL_RANK"},
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
    // SLURM_NTASKS is set in batch scripts too, where only one process runs.
    {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"},
};

constexpr int64_t kMostProcesses = 1 << 16;
constexpr int64_t kMostPorts = 65535;
constexpr int64_t kTorchPort = 29500;  // where torchrun listens unless another port is set

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::optional<int64_t> whole_number(const char* name, int64_t low, int64_t high) {
  const auto text = variable(name);
  if (!text) return std::nullopt;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < low || value > high) {
    user_error(name, ": must be a whole number from ", low, " to ", high, ", not '", *text, "'");
  }
  return value;
}

// The first name of a list such as "node[03-05,9],other".
std::string first_host(const std::string& list) {
  const size_t end = list.find_first_of("[,");
  std::string host = list.substr(0, end);
  if (end == std::string::npos || list[end] == ',') return host;
  const size_t stop = list.find_first_of("-,]", end);
  return host + list.substr(end + 1, stop - end - 1);
}

// Slurm names the machines of a step; the port must differ between jobs on one machine.
void find_leader(Launch& launch) {
  if (const auto address = variable("MASTER_ADDR")) {
    launch.address = *address;
  } else if (const auto nodes = variable("SLURM_STEP_NODELIST")) {
    launch.address = first_host(*nodes);
  } else if (whole_number("OMPI_COMM_WORLD_LOCAL_SIZE", 1, kMostProcesses) == launch.size) {
    launch.address = "127.0.0.1";
  } else {
    user_error("MASTER_ADDR: not set; it must name the machine of the first of the ", launch.size,
               " processes (torchrun and srun set what is needed)");
  }
  const auto port = whole_number("MASTER_PORT", 1, kMostPorts);
  const auto job = whole_number("SLURM_JOB_ID", 0, std::numeric_limits<int64_t>::max());
  launch.port = port ? *port : job ? kTorchPort + *job % 10000 : kTorchPort;
}

}  // namespace

Launch launch_from_environment() {
  Launch launch;
  for (const Names& names : kLaunchers) {
    const auto size = whole_number(names.size, 1, kMostProcesses);
    if (!size) continue;
    launch.size = *size;
    if (launch.size == 1) return launch;
    const auto rank = whole_number(names.rank, 0, launch.size - 1);
    if (!rank) {
      user_error(names.size, " is ", launch.size, " but ", names.rank,
                 " is not set; start the program with torchrun, srun, mpirun or --nproc");
    }
    launch.rank = *rank;
    launch.local_rank = whole_number(names.local_rank, 0, launch.size - 1);
    find_leader(launch);
    launch.is_hosted = variable("TORCHELASTIC_USE_AGENT_STORE") == "True";
    launch.attempt = variable("TORCHELASTIC_RESTART_COUNT").value_or("0");
    return launch;
  }
  return launch;
}

bool is_loopback(const std::string& address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

}  // namespace unlearn::distributed
