// The program's version, and when and where it runs, for messages and records.
#pragma once

#include <string>

namespace unlearn::run {

// "0.1.0"
std::string program_version();
// Version and build, e.g. "0.1.0 (LibTorch 2.11.0)".
std::string version_text();

// "2026-01-02 13:45 UTC"
std::string time_text();
// System, processor and threads, e.g. "Linux 6.1.0 x86_64, 8 threads"; "" where it cannot be known.
std::string machine_text();

}  // namespace unlearn::run
