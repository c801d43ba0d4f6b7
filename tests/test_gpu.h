// Tests that need a CUDA device skip, by name, where there is none.
#pragma once

#include <torch/cuda.h>

#include <string>

#include "unlearn/runtime/device.h"

namespace unlearn {

// What keeps tests from running on CUDA here; empty: nothing.
inline std::string missing_gpu() {
  const std::string missing = runtime::enable_cuda();
  if (!missing.empty()) return "no CUDA here: " + missing;
  return torch::cuda::is_available() ? "" : "no CUDA device here";
}

}  // namespace unlearn

#define UNLEARN_NEEDS_GPU()                                                     \
  if (const std::string missing = ::unlearn::missing_gpu(); !missing.empty()) { \
    GTEST_SKIP() << missing;                                                    \
  }                                                                             \
  static_assert(true, "a semicolon follows")
