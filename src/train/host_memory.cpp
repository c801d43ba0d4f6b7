#include "train/host_memory.h"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

#include "unlearn/train/memory_plan.h"

namespace unlearn::train {
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
int64_t number_in(const char* file) {
  std::ifstream in(file);
  int64_t value = 0;
  return in >> value ? value : kUnknown;
}

}  // namespace

int64_t resident_bytes() { return std::max<int64_t>(0, proc_value("/proc/self/status", "VmRSS:")); }

int64_t peak_host_bytes() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

int64_t available_host_bytes() {
  int64_t bytes = proc_value("/proc/meminfo", "MemAvailable:");
  if (bytes < 0) bytes = kUnknown;
  // Control groups, version 2 and 1. Page cache counts as used there although it can be dropped, so
  // the limit is compared with what this process holds.
  for (const char* file :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    bytes = std::min(bytes, number_in(file) - resident_bytes());
  }
  return std::max<int64_t>(0, bytes);
}

}  // namespace unlearn::train
