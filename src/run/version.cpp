#include "unlearn/run/version.h"

#include <torch/version.h>

#include "unlearn/core/strings.h"

namespace unlearn::run {

std::string program_version() { return UNLEARN_VERSION; }

std::string version_text() { return cat(UNLEARN_VERSION, " (LibTorch ", TORCH_VERSION, ")"); }

}  // namespace unlearn::run
