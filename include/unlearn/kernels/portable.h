// What kernels share between nvcc and the host compiler: one source of arithmetic, so that a CUDA
// kernel and its CPU twin cannot drift apart. No torch headers anywhere in this folder.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "unlearn/core/portable.h"

namespace unlearn::kernels {

UNLEARN_PORTABLE uint32_t float_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

UNLEARN_PORTABLE float float_from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

// bfloat16: the upper half of an fp32. Rounds to nearest even; a NaN stays one.
struct Bf16 {
  uint16_t bits;
};
UNLEARN_PORTABLE float widen(float value) { return value; }
UNLEARN_PORTABLE double widen(double value) { return value; }
UNLEARN_PORTABLE float widen(Bf16 value) {
  return float_from_bits(static_cast<uint32_t>(value.bits) << 16);
}
UNLEARN_PORTABLE Bf16 to_bf16(float value) {
  const uint32_t bits = float_bits(value);
  const uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  const uint32_t is_nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
  return {static_cast<uint16_t>(is_nan ? (bits >> 16) | 0x40U : rounded)};
}
UNLEARN_PORTABLE void narrow(float value, float& out) { out = value; }
UNLEARN_PORTABLE void narrow(double value, double& out) { out = value; }
UNLEARN_PORTABLE void narrow(float value, Bf16& out) { out = to_bf16(value); }

// What statistics of a T are computed in.
template <class T>
struct Wide {
  using type = float;
};
template <>
struct Wide<double> {
  using type = double;
};

// Dtypes as numbers, for launchers that take raw pointers.
enum class DType : int32_t { kFloat32 = 0, kBfloat16 = 1, kFloat64 = 2 };

// Random bits that are a pure function of (key, index): no state to save, the same on every device.
// Two rounds of a 32-bit multiply-xorshift mixer, one per half of the key.
struct RandomKey {
  uint32_t low = 0;
  uint32_t high = 0;
};
UNLEARN_PORTABLE uint32_t mix32(uint32_t x) {
  x ^= x >> 16;
  x *= 0x7FEB352DU;
  x ^= x >> 15;
  x *= 0x846CA68BU;
  x ^= x >> 16;
  return x;
}
UNLEARN_PORTABLE uint32_t random_bits(RandomKey key, uint64_t index) {
  const uint32_t low = static_cast<uint32_t>(index);
  const uint32_t high = static_cast<uint32_t>(index >> 32);
  return mix32(mix32(low ^ key.low) ^ key.high ^ (high * 0x9E3779B9U));
}

}  // namespace unlearn::kernels
