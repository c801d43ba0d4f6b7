// The program's version, for messages and records.
#pragma once

#include <string>

namespace unlearn::run {

// "0.1.0"
std::string program_version();
// Version and build, e.g. "0.1.0 (LibTorch 2.11.0)".
std::string version_text();

}  // namespace unlearn::run
