// What the operating system says about memory.
#pragma once

#include <cstdint>
#include <filesystem>

namespace unlearn::train {

// Resident bytes of this process now.
int64_t resident_bytes();

// Bytes the machine can still give without swapping, within the limits of the process's control
// groups. A very large number where neither can be read.
int64_t available_host_bytes();

// The smallest memory limit of the control groups, versions 1 and 2, that a process is in, with all
// that enclose them; a very large number without one. `groups`: its /proc/PID/cgroup; `mounts`:
// /sys/fs/cgroup.
int64_t group_limit(const std::filesystem::path& groups, const std::filesystem::path& mounts);

}  // namespace unlearn::train
