// A mapped file that shrinks: touching what is gone raises SIGBUS.
#pragma once

#include <cstddef>
#include <string>

namespace unlearn {

// From here on a SIGBUS in these bytes ends the process with an error line that names the file and
// exit code 2.
void begin_guard(const void* data, size_t size, const std::string& path);
void end_guard(const void* data);

}  // namespace unlearn
