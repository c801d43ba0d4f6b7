#include "unlearn/run/version.h"

#include <ATen/Parallel.h>
#include <sys/utsname.h>
#include <torch/version.h>

#include <ctime>

#include "unlearn/core/plural.h"

namespace unlearn::run {

std::string program_version() { return UNLEARN_VERSION; }

std::string version_text() { return cat(UNLEARN_VERSION, " (LibTorch ", TORCH_VERSION, ")"); }

std::string time_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts = {};
  gmtime_r(&now, &parts);
  char text[32];
  const size_t length = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  return {text, length};
}

std::string machine_text() {
  utsname system = {};
  if (uname(&system) != 0) return "";
  return cat(system.sysname, " ", system.release, " ", system.machine, ", ",
             counted(at::get_num_threads(), "thread"));
}

}  // namespace unlearn::run
