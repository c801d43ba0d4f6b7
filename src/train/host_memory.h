// What the operating system says about memory.
#pragma once

#include <cstdint>

namespace unlearn::train {

// Resident bytes of this process now.
int64_t resident_bytes();

// Bytes the machine can still give without swapping, within the limit of the process's control
// group. A very large number where neither can be read.
int64_t available_host_bytes();

}  // namespace unlearn::train
