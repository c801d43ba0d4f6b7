// Optimizer state in few bits: an 8-bit code with tapered precision, and stochastic rounding.
//
// A magnitude x in [0, 1] (relative to its block's maximum) is coded in B bits. Codes ascend with
// x. Region r holds the four octaves [16^-(r+1), 16^-r) in 2^(B-1-r) steps: 32 steps per octave
// next to 1 for B = 8, one per octave at the far end. That gives 24 octaves for B = 8 and 20 for
// B = 7, plus exact 0 and 1, and codes are computed by shifting an fp32's bits: no table search.
#pragma once

#include "unlearn/kernels/portable.h"

namespace unlearn::kernels {

constexpr int kStateBlock = 256;  // elements that share one scale

// Value of a code.
template <int kBits>
UNLEARN_PORTABLE float decode_magnitude(uint32_t code) {
  if (code == 0) return 0.0F;
  // start(r) = 2^(B-1-r) - 3, so the leading bit of code + 3 tells the region.
  const uint32_t shifted = code + 3;
#ifdef __CUDA_ARCH__
  const int leading = 31 - __clz(static_cast<int>(shifted));
#else
  const int leading = 31 - __builtin_clz(shifted);
#endif
  const int region = kBits - 1 - leading;
  const uint32_t offset = shifted - (1U << leading);
  const uint32_t base = static_cast<uint32_t>(127 - 4 * (region + 1)) << 23;
  return float_from_bits(base + (offset << (25 - leading)));
}

// Code of x in [0, 1], rounded down or up at random so that the mean is x; `random16` is uniform in
// [0, 2^16). With `keep_positive` an x > 0 never becomes 0.
template <int kBits>
UNLEARN_PORTABLE uint32_t encode_magnitude(float x, uint32_t random16, bool keep_positive) {
  constexpr int kRegions = kBits - 2;
  const float smallest = float_from_bits(static_cast<uint32_t>(127 - 4 * kRegions) << 23);
  const uint32_t bits = float_bits(x);
  const int exponent = static_cast<int>(bits >> 23);
  int region = (126 - exponent) >> 2;  // -1 for x = 1
  region = region < kRegions ? region : kRegions - 1;
  const int mantissa = kBits - 3 - region;
  const uint32_t base = static_cast<uint32_t>(127 - 4 * (region + 1)) << 23;
  const uint32_t start = (1U << (kBits - 1 - region)) - 3;
  const uint32_t steps = (bits - base + (random16 << (7 - mantissa))) >> (23 - mantissa);
  const uint32_t below = static_cast<float>(random16) < x / smallest * 65536.0F;
  const uint32_t tiny = keep_positive ? static_cast<uint32_t>(x > 0.0F) : below;
  return x < smallest ? tiny : start + steps;
}

// Signed: the sign in bit 7 and a 7-bit magnitude.
UNLEARN_PORTABLE float decode_signed(uint8_t code) {
  const float magnitude = decode_magnitude<7>(code & 0x7FU);
  return (code & 0x80U) != 0 ? -magnitude : magnitude;
}
UNLEARN_PORTABLE uint8_t encode_signed(float x, uint32_t random16) {
  const uint32_t magnitude = encode_magnitude<7>(x < 0 ? -x : x, random16, false);
  return static_cast<uint8_t>(magnitude | (x < 0 ? 0x80U : 0U));
}

// fp32 to bfloat16, up or down at random so that the mean is the value.
UNLEARN_PORTABLE Bf16 to_bf16_stochastic(float value, uint32_t random16) {
  return {static_cast<uint16_t>((float_bits(value) + random16) >> 16)};
}

}  // namespace unlearn::kernels
