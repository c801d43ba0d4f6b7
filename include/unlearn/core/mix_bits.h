// The base of all pure draws, on the CPU and in CUDA kernels.
#pragma once

#include <cstdint>

#include "unlearn/core/portable.h"

namespace unlearn {

constexpr uint64_t kGolden64 = 0x9E3779B97F4A7C15ULL;

// SplitMix64's finaliser.
UNLEARN_PORTABLE uint64_t finalise64(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

// A well-mixed 64-bit hash of its arguments.
UNLEARN_PORTABLE uint64_t mix_bits(uint64_t seed, uint64_t stream, uint64_t counter = 0) {
  return finalise64(finalise64(finalise64(seed + kGolden64) + stream + kGolden64) + counter +
                    kGolden64);
}

}  // namespace unlearn
