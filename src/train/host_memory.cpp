#include "train/host_memory.h"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

#include "unlearn/train/memory_plan.h"

namespace unlearn::train {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max() / 2;

// "<key> <number> kB" in a file of /proc.
int64_t proc_value(const char* file, const std::string& key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(key)) return std::stoll(line.substr(key.size())) * 1024;
  }
  return -1;
}

// A file that holds one number; "max" and missing files are no limit.
int64_t number_in(const fs::path& file) {
  std::ifstream in(file);
  int64_t value = 0;
  return in >> value ? value : kUnknown;
}

// The smallest limit from a group, as /proc names it, up to the root of its hierarchy. In a
// container the name may be one of the host's, of which only the root is mounted.
int64_t limit_up_to(const fs::path& root, const std::string& group, const char* file) {
  int64_t limit = number_in(root / file);
  for (fs::path at = fs::path(group).relative_path(); !at.empty(); at = at.parent_path()) {
    limit = std::min(limit, number_in(root / at / file));
  }
  return limit;
}

}  // namespace

int64_t group_limit(const fs::path& groups, const fs::path& mounts) {
  // Where there is no list of groups: the roots.
  int64_t limit = std::min(number_in(mounts / "memory.max"),
                           number_in(mounts / "memory" / "memory.limit_in_bytes"));
  std::ifstream in(groups);
  // "<number>:<controllers>:<group>"; version 2 has the number 0 and no controllers.
  for (std::string line; std::getline(in, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string group = line.substr(second + 1);
    if (controllers == ",,") {
      limit = std::min(limit, limit_up_to(mounts, group, "memory.max"));
      limit = std::min(limit, limit_up_to(mounts / "unified", group, "memory.max"));
    } else if (controllers.find(",memory,") != std::string::npos) {
      limit = std::min(limit, limit_up_to(mounts / "memory", group, "memory.limit_in_bytes"));
    }
  }
  return limit;
}

int64_t resident_bytes() { return std::max<int64_t>(0, proc_value("/proc/self/status", "VmRSS:")); }

int64_t peak_host_bytes() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

int64_t available_host_bytes() {
  int64_t bytes = proc_value("/proc/meminfo", "MemAvailable:");
  if (bytes < 0) bytes = kUnknown;
  // Page cache counts as used in a group although it can be dropped, so the limit is compared with
  // what this process holds.
  bytes = std::min(bytes, group_limit("/proc/self/cgroup", "/sys/fs/cgroup") - resident_bytes());
  return std::max<int64_t>(0, bytes);
}

}  // namespace unlearn::train
