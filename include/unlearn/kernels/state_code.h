// Optimizer state in few bits: an 8-bit code with tapered precision, and stochastic rounding.
//
// A magnitude x in [0, 1] (relative to its block's maximum) is coded in B bits. Codes ascend with
// x. Region r holds the four octaves [16^-(r+1), 16^-r) in 2^(B-1-r) steps: 32 steps per octave
// next to 1 for B = 8, one per octave at the far end. That gives 24 octaves for B = 8 and 20 for
// B = 7, plus exact 0 and 1. In other words, code + 3 is an fp32 number whose bits, times four and
// shifted to end at 1, are those of x: both ways take a few additions, and no table.
#pragma once

#include "unlearn/kernels/portable.h"

namespace unlearn::kernels {

constexpr int kStateBlock = 256;  // elements that share one scale

// bits(x) = 4 bits(code + 3) + kCodeShift, modulo 2^32; code + 3 = 2^B stands for 1.
template <int kBits>
constexpr uint32_t kCodeShift = (127U << 23) - 4 * ((127U + kBits) << 23);

// Value of a code.
template <int kBits>
UNLEARN_PORTABLE float decode_magnitude(uint32_t code) {
  const uint32_t bits = float_bits(static_cast<float>(static_cast<int32_t>(code + 3)));
  return code == 0 ? 0.0F : float_from_bits(4 * bits + kCodeShift<kBits>);
}

// Code of x in [0, 1], rounded down or up at random so that the mean is x; `random16` is uniform in
// [0, 2^16). With `keep_positive` an x > 0 never becomes 0.
template <int kBits>
UNLEARN_PORTABLE uint32_t encode_magnitude(float x, uint32_t random16, bool keep_positive) {
  const float smallest = float_from_bits(static_cast<uint32_t>(127 - 4 * (kBits - 2)) << 23);
  const float up = static_cast<float>(static_cast<int32_t>(random16)) * (1.0F / 65536);
  const uint32_t bits = float_bits(x > smallest ? x : smallest);
  // The bit that 4 bits(code + 3) lost: code + 3 >= 2.
  const float position = float_from_bits(((bits - kCodeShift<kBits>) >> 2) | 0x40000000U);
  const auto stepped = static_cast<int32_t>(position + up);
  // 1 itself may be rounded to one code too many: 2^8 + up has more bits than an fp32.
  const uint32_t code = static_cast<uint32_t>(stepped < (1 << kBits) ? stepped : 1 << kBits) - 3;
  const uint32_t below = up < x * (1.0F / smallest);
  const uint32_t tiny = keep_positive ? static_cast<uint32_t>(x > 0.0F) : below;
  return x < smallest ? tiny : code;
}

// |x| as an integer that is ordered as |x| is: the largest of a block is found without branches. A
// NaN is the largest of all, so that it reaches the block's scale and is seen.
UNLEARN_PORTABLE uint32_t magnitude_bits(float x) { return float_bits(x) & 0x7FFFFFFFU; }

// Signed: the sign in bit 7 and a 7-bit magnitude.
UNLEARN_PORTABLE float decode_signed(uint8_t code) {
  const float magnitude = decode_magnitude<7>(code & 0x7FU);
  return float_from_bits(float_bits(magnitude) | ((code & 0x80U) << 24));
}
UNLEARN_PORTABLE uint8_t encode_signed(float x, uint32_t random16) {
  const float magnitude = float_from_bits(magnitude_bits(x));
  const uint32_t code = encode_magnitude<7>(magnitude, random16, false);
  return static_cast<uint8_t>(code | ((float_bits(x) >> 24) & 0x80U));
}

// What a block's values are multiplied by before they are coded; 0 for a block of zeros, and for
// one of denormal numbers, which has no inverse.
UNLEARN_PORTABLE float inverse_scale(float maximum) {
  return maximum >= 1.17549435e-38F ? 1.0F / maximum : 0.0F;
}

// fp32 to bfloat16, up or down at random so that the mean is the value.
UNLEARN_PORTABLE Bf16 to_bf16_stochastic(float value, uint32_t random16) {
  return {static_cast<uint16_t>((float_bits(value) + random16) >> 16)};
}

}  // namespace unlearn::kernels
